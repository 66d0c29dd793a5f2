//! A panic is counted and logged like any other event.
use crate::telemetry::metrics::Metrics;
use std::panic::PanicHookInfo;
use std::sync::Arc;

/// Counts and logs every panic of the process, instead of printing it.
///
/// A formatted message may quote what the code had in hand, so that only fixed texts are shown.
pub fn report_panics(metrics: Arc<Metrics>) {
    std::panic::set_hook(Box::new(move |panic| {
        metrics.panicked();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let current = std::thread::current();
        let thread = current.name().unwrap_or("unnamed");
        tracing::error!(place, thread, reason = fixed_text(panic), "a fault in attache (panic)");
    }));
}

fn fixed_text<'p>(panic: &'p PanicHookInfo<'_>) -> &'p str {
    panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("[not shown]")
}

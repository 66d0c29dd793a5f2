//! What stands for a thing beside its name: nothing that is not said in words too.
use crate::connect::initials::initials;
use maud::Markup;
use maud::html;

/// Of a connection, by its name.
pub(super) fn mark(name: &str) -> Markup {
    html! { span.mark aria-hidden="true" { (initials(name)) } }
}

/// It went well.
pub(super) fn good() -> Markup {
    html! { span.mark.good aria-hidden="true" { svg viewBox="0 0 24 24" { path d="M5 12.5l4.5 4.5L19 7.5" {} } } }
}

/// Something is in the way.
pub(super) fn bad() -> Markup {
    html! { span.mark.bad aria-hidden="true" { svg viewBox="0 0 24 24" { path d="M12 6v7.5M12 17.5v.01" {} } } }
}

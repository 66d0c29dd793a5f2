//! What the operating system says of processes and of the whole machine.
use std::fs;
use std::io;
use std::path::Path;

/// Clock ticks of the kernel's accounts in a second: what Linux shows to programs on every machine.
const TICKS: f64 = 100.0;

/// Seconds of CPU time of a process by its number, or of `self`: users' and the kernel's.
pub fn cpu_s(process: &str) -> io::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may hold anything (proc_pid_stat(5)).
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() / TICKS)
}

/// Seconds of CPU time that the whole machine has worked.
pub fn all_cpu_s() -> io::Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let fields: Vec<f64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|it| it.parse().ok())
        .collect();
    // Without what was idle, or waited for a disk: the fourth and the fifth (proc_stat(5)).
    let worked = fields.iter().take(8).sum::<f64>() - fields.iter().skip(3).take(2).sum::<f64>();
    Ok(worked / TICKS)
}

/// Resident memory in MiB, as a process's `status` says.
pub fn resident_mib(status: &Path) -> f64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let kib = text
        .lines()
        .find_map(|it| it.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    kib.map_or(0.0, |it: f64| it / 1024.0)
}

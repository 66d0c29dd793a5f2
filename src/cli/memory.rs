//! Keys and credentials in memory: not in a core file, and not for other processes to read.
use rustix::process::DumpableBehavior;
use rustix::process::Resource;
use rustix::process::Rlimit;

/// No core dumps, and no other process of this user may read this one's memory or environment. False
/// where the system does not let us.
pub(super) fn keep_private() -> bool {
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, no_core).is_ok()
        && rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
}

//! A disk that is soon full.
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

/// A small file system of its own. Unmounted when dropped.
pub struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None, and the reason printed, where nobody may mount here.
    pub fn mounted(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|it| it.success()) {
            return Some(Self(folder));
        }
        eprintln!("not tested: a file system can't be mounted here (it takes root)");
        None
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn read_only(&self) {
        let done = Command::new("mount").args(["-o", "remount,ro"]).arg(self.0.path()).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(self.0.path()).status());
    }
}

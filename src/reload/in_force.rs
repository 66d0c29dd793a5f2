//! The configuration in force: of the process as it was started, and of what is served as it is now.
use crate::catalog::Section;
use crate::config::Document;
use crate::config::InForce;
use crate::config::Settings;

/// What a load says of its configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// What takes a restart to change.
    pub settings: Vec<InForce>,
    /// What is served with, and how much files declare.
    pub served: Vec<InForce>,
}

/// `env` has the settings that were filled in.
pub(super) fn told(
    document: &Document,
    settings: &Settings,
    env: &dyn Fn(&str) -> Option<String>,
) -> Told {
    let is_set = |name: &str| env(name).is_some_and(|it| !it.is_empty());
    let mut served = Vec::new();
    for section in ["egress", "upstream"] {
        served.extend(document.said_in(section, &is_set));
    }
    for section in Section::ALL {
        served.extend(document.counted(section.as_str()));
    }
    served.extend(document.counted("activations"));
    Told { settings: document.in_force(settings, &is_set), served }
}

//! `attache audit list`: asks a running attache who did what.
use crate::cli::api;
use crate::cli::api::Remote;
use crate::cli::api::newest;
use crate::cli::api::path;
use crate::cli::resource::AUDIT;
use crate::cli::resource::Output;
use clap::Args;
use std::process::ExitCode;
use url::form_urlencoded;

/// Lists entries of the trail, the newest first.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct List {
    /// Of this kind alone, as in `connection`
    #[arg(long)]
    kind: Option<String>,
    /// Of what has this key alone
    #[arg(long)]
    key: Option<String>,
    /// Of this tenant's activations alone
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// By them alone, as entries have it
    #[arg(long)]
    who: Option<String>,
    /// Not before, as in 2027-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Not at or after
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// So many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    remote: Remote,
    /// How answers are shown: text is a table
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl List {
    pub(super) fn run(self) -> ExitCode {
        let Self { kind, key, tenant, who, since, until, limit, remote, output } = self;
        let mut query = form_urlencoded::Serializer::new(path([AUDIT.segment]) + "?");
        let filters = [
            ("kind", kind),
            ("key", key),
            ("tenant", tenant),
            ("who", who),
            ("since", since),
            ("until", until),
        ];
        for (name, value) in filters {
            query.extend_pairs(value.map(|it| (name, it)));
        }
        let path = query.finish();
        api::run(remote, async move |mut client| {
            output.listed(&AUDIT, newest(&mut client, &path, limit).await?)
        })
    }
}

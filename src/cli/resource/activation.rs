//! `attache activation`: who of the tenants uses which embedded connection, and with what.
use super::Asks;
use super::Kind;
use super::address::Tenancy;
use super::change::Change;
use super::definition::Definition;
use super::grant::Act;
use super::output::Output;
use super::verb;
use crate::cli::activation::Export;
use crate::cli::activation::Import;
use crate::cli::api::Client;
use crate::cli::api::path;
use crate::cli::stopped::Stopped;
use http::Method;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    #[command(flatten)]
    Grant(Act),
    Import(Box<Import>),
    Export(Export),
    /// List a connection's, or a tenant's
    List {
        /// The connection
        #[arg(required_unless_present = "tenant")]
        connection: Option<String>,
        /// Those of this tenant
        #[arg(long, value_name = "ID", conflicts_with = "connection")]
        tenant: Option<String>,
    },
    /// Show one
    Get {
        /// The connection, and the tenant as it is
        #[arg(value_name = "CONNECTION@TENANT")]
        of: Tenancy,
    },
    /// Activate a tenant, as in --set credentials.key='${ACME_KEY}'
    Activate {
        /// The connection, and the tenant as it is
        #[arg(value_name = "CONNECTION@TENANT")]
        of: Tenancy,
        #[command(flatten)]
        definition: Definition,
        #[command(flatten)]
        change: Change,
    },
    /// Change some members of one; null takes one away (RFC 7396)
    Edit {
        /// The connection, and the tenant as it is
        #[arg(value_name = "CONNECTION@TENANT")]
        of: Tenancy,
        #[command(flatten)]
        definition: Definition,
        #[command(flatten)]
        change: Change,
    },
    /// Deactivate a tenant: its credentials are deleted
    Deactivate {
        /// The connection, and the tenant as it is
        #[arg(value_name = "CONNECTION@TENANT")]
        of: Tenancy,
        #[command(flatten)]
        change: Change,
    },
}

impl Asks for Command {
    async fn run(self, kind: &Kind, mut client: Client, output: Output) -> Result<(), Stopped> {
        let client = &mut client;
        let one = |it: &Tenancy| path(["connections", &it.connection, kind.segment, &it.tenant]);
        match self {
            Self::Grant(act) => act.run(client, output).await,
            Self::Import(import) => import.run(client, output).await,
            Self::Export(export) => export.run(client).await,
            Self::List { connection, tenant } => {
                let (of, key) = match (&connection, &tenant) {
                    (_, Some(tenant)) => ("tenants", tenant.as_str()),
                    (connection, None) => {
                        ("connections", connection.as_deref().unwrap_or_default())
                    }
                };
                verb::list(client, kind, &path([of, key, kind.segment]), output).await
            }
            Self::Get { of } => verb::get(client, &one(&of), output).await,
            Self::Activate { of, definition, change } => {
                verb::write(client, Method::PUT, &one(&of), &definition, &change, output).await
            }
            Self::Edit { of, definition, change } => {
                verb::write(client, Method::PATCH, &one(&of), &definition, &change, output).await
            }
            Self::Deactivate { of, change } => {
                verb::delete(client, &one(&of), &change, output).await
            }
        }
    }
}

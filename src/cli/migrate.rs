//! `attache migrate`: makes a database's tables, or brings them up to date, before gateways start.
use super::database::Database;
use super::memory;
use super::stopped::Stopped;
use clap::Args;
use std::process::ExitCode;

/// Makes the tables of the database, or brings them up to date. `serve` does so as well when it starts.
#[derive(Args, Clone, Debug)]
pub struct Migrate {
    #[command(flatten)]
    database: Database,
}

impl Migrate {
    pub fn run(self) -> ExitCode {
        memory::keep_private();
        match self.migrate() {
            Ok(said) => {
                println!("{said}");
                ExitCode::SUCCESS
            }
            Err(stopped) => stopped.tell(),
        }
    }

    fn migrate(&self) -> Result<String, Stopped> {
        let settings = self.database.settings()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|it| Stopped::Failed(format!("no runtime: {}", it.kind())))?;
        let (url, migrated) = runtime.block_on(async {
            let (url, store) = self.database.make(&settings).await?;
            let migrated = store.migrate().await?;
            store.close().await;
            Ok::<_, Stopped>((url, migrated))
        })?;
        let to = migrated.to;
        Ok(match migrated.from {
            0 => format!("{url}: made, at schema {to}"),
            from if from == to => format!("{url}: at schema {to} already"),
            from => format!("{url}: brought from schema {from} to {to}"),
        })
    }
}

//! Asking again: for work of an hour that is not to end for a hiccup of the database.
use super::StoreError;
use std::future::Future;
use std::time::Duration;

/// How often what a busy or absent database refused is asked again.
const ATTEMPTS: u32 = 6;

/// The pause before that.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks again for a while where the database is busy or away. Only what may be done twice.
pub async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut left = ATTEMPTS;
    loop {
        match ask().await {
            Err(error) if error.is_passing() && left > 0 => {
                left -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

//! Names become addresses: one look-up at a time for each name, shared by all who need it.
use super::dial::Resolver;
use super::error::SendError;
use std::collections::HashMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use tokio::sync::watch;

type Found = Result<Arc<[IpAddr]>, SendError>;

/// One worker's look-ups that are under way.
///
/// A look-up occupies one of the few threads for them until the operating system's resolver has
/// answered, even if nobody waits for it any more. So there is only one for each name, and a name that
/// is slow takes one thread, however often it is asked for. Nothing is remembered of the answer.
#[derive(Debug)]
pub(super) struct LookUps {
    resolver: Resolver,
    under_way: Arc<Mutex<UnderWay>>,
}

type UnderWay = HashMap<Box<str>, watch::Receiver<Option<Found>>>;

impl LookUps {
    pub(super) fn new(resolver: Resolver) -> Self {
        Self { resolver, under_way: Arc::default() }
    }

    pub(super) async fn addresses(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, SendError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let mut look_up = self.look_up(host);
        let found = look_up.wait_for(Option::is_some).await.map_err(|_| SendError::Unresolved)?;
        let found = found.clone().unwrap_or(Err(SendError::Unresolved))?;
        Ok(found.iter().map(|it| SocketAddr::new(*it, port)).collect())
    }

    /// The one that is under way for this name, or a new one, which goes on by itself.
    fn look_up(&self, host: &str) -> watch::Receiver<Option<Found>> {
        let mut under_way = locked(&self.under_way);
        if let Some(look_up) = under_way.get(host) {
            return look_up.clone();
        }
        let (sender, look_up) = watch::channel(None);
        under_way.insert(host.into(), look_up.clone());
        let (resolver, names) = (self.resolver.clone(), Arc::clone(&self.under_way));
        let host: Box<str> = host.into();
        // Ends with the resolver's answer, and with the worker's runtime.
        tokio::spawn(async move {
            let found = resolver.addresses(&host).await;
            locked(&names).remove(&host);
            let _ = sender.send(Some(found.map(Arc::from)));
        });
        look_up
    }
}

fn locked(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn a_slow_name_takes_one_thread_however_often_it_is_asked_for() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .build()
            .unwrap();
        let (answer, answers) = mpsc::channel::<()>();
        let answers = Mutex::new(answers);
        let resolver = Resolver::Scripted(Arc::new(move |name| {
            if name == "slow.example" {
                let _ = answers.lock().unwrap().recv();
            }
            vec![[192, 0, 2, 1].into()]
        }));
        let look_ups = LookUps::new(resolver);
        runtime.block_on(async {
            for _ in 0..10 {
                let asked = look_ups.addresses("slow.example", 443);
                let given_up = tokio::time::timeout(Duration::from_millis(5), asked).await;
                assert!(given_up.is_err());
            }
            let fast = look_ups.addresses("fast.example", 80);
            let found = tokio::time::timeout(Duration::from_secs(20), fast).await;
            assert_eq!(found.unwrap().unwrap(), [SocketAddr::from(([192, 0, 2, 1], 80))]);
            // Whoever comes while it is under way shares its answer; then it is asked anew.
            let asked = look_ups.addresses("slow.example", 443);
            drop(answer);
            assert_eq!(asked.await.unwrap(), [SocketAddr::from(([192, 0, 2, 1], 443))]);
            assert!(locked(&look_ups.under_way).is_empty());
        });
    }
}

use super::*;
use crate::model::UnixTime;

fn delivery(number: u32) -> WebhookDelivery {
    WebhookDelivery {
        id: format!("018bcfe5-6807-7000-8000-{number:012}"),
        owner: "file:hooks".to_owned(),
        connection: "hooks".to_owned(),
        tenant: String::new(),
        at_ms: 1_700_000_000_007,
        verdict: DeliveryVerdict::Accepted,
        code: String::new(),
        status: 200,
        target_status: Some(200),
        webhook_id: String::new(),
        method: "POST".to_owned(),
        path: "/hooks/hooks".to_owned(),
        bytes: 2,
        took_us: 7,
        replay_of: String::new(),
        can_replay: true,
    }
}

fn told(number: u32, len: usize) -> Told {
    Told { delivery: delivery(number), contents: vec![0; len] }
}

#[test]
fn what_waits_to_be_written_has_its_bounds() {
    let queue = Queue::default();
    let most = u32::try_from(queue::RECORDS_MAX).unwrap();
    assert!((0..most).all(|it| queue.put(told(it, 0))));
    assert!(!queue.put(told(most, 0)));
    let lot = queue.take();
    assert_eq!((lot.len(), &*lot[0].delivery.id), (queue::LOT_MAX, &*delivery(0).id));
    assert!(queue.put(told(most, 0)));
    let queue = Queue::default();
    let half = queue::BYTES_MAX / 2;
    assert!(queue.put(told(1, half)) && queue.put(told(2, half)));
    assert!(!queue.put(told(3, 1)) && queue.put(told(3, 0)));
    // A large one goes by itself.
    assert_eq!(queue.take().len(), 1);
    assert!(queue.put(told(4, half)));
    assert_eq!([queue.take().len(), queue.take().len(), queue.take().len()], [1, 1, 1]);
}

#[tokio::test]
async fn without_a_store_the_last_ones_stay_and_the_oldest_contents_go_first() {
    let settings = DeliverySettings::default();
    let all = Deliveries::new(settings, None, Metrics::new(UnixTime::default()));
    let scope = &Scope::System;
    let many = u32::try_from(memory::DELIVERIES_MAX).unwrap() + 10;
    (0..many).for_each(|it| all.note(told(it, 0)));
    let (found, _) = all.list(scope, &DeliveryFilter::default(), None, 5000).await.unwrap();
    assert_eq!(found.len(), memory::DELIVERIES_MAX);
    assert_eq!(found[0], delivery(many - 1));
    let before = Some(&*found[1].id);
    let (further, _) = all.list(scope, &DeliveryFilter::default(), before, 2).await.unwrap();
    assert_eq!(further, found[2..4]);
    let failed = DeliveryFilter { verdict: Some(DeliveryVerdict::Failed), ..Default::default() };
    assert!(all.list(scope, &failed, None, 5).await.unwrap().0.is_empty());
    let counts = all.counts(scope, &["file:hooks", "other"]).await.unwrap();
    assert_eq!((counts.len(), counts[0].count), (1, memory::DELIVERIES_MAX as u64));

    let names = Contents::names_of(&http::HeaderMap::new());
    all.note(Told { delivery: delivery(many), contents: names });
    all.note(told(many + 1, memory::BYTES_MAX));
    let (first, contents) = all.get(scope, &delivery(many).id).await.unwrap().unwrap();
    assert_eq!((first.can_replay, contents), (false, Contents::Nothing));
    assert!(all.get(scope, &delivery(0).id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_anybody_can_make_pushes_nothing_out_that_was_verified() {
    let all = Deliveries::new(DeliverySettings::default(), None, Metrics::new(UnixTime::default()));
    all.note(told(0, 7));
    let many = u32::try_from(memory::DELIVERIES_MAX).unwrap() + 10;
    for number in 1..many {
        let mut told = told(number, 7);
        told.delivery.verdict = DeliveryVerdict::Refused;
        all.note(told);
    }
    let found = all.list(&Scope::System, &DeliveryFilter::default(), None, 5000).await.unwrap().0;
    assert_eq!(found.len(), 1 + memory::UNVERIFIED_MAX);
    assert_eq!(found.last(), Some(&delivery(0)));
    assert_eq!(found[0].id, delivery(many - 1).id);
}

#[test]
fn what_is_sealed_for_one_delivery_opens_as_no_other() {
    let key = crate::seal::FingerprintKey::random();
    let sealer = crate::seal::Sealer::new(
        crate::seal::Keyring::parse(&[crate::seal::Keyring::fresh_line(None)]).unwrap(),
        key,
        Box::new(|_| Err("it is not asked".to_owned())),
    );
    let key = sealer.deliveries();
    let kept = sealed(&key, &told(1, 4));
    assert!(key.open(&place(&kept.delivery), &kept.contents).is_some());
    let other = WebhookDelivery { tenant: "acme".to_owned(), ..delivery(1) };
    assert!(key.open(&place(&other), &kept.contents).is_none());
    assert!(sealed(&key, &told(1, 0)).contents.is_empty());
}

//! Who may send over HTTP: holders of an API token with the role `sender`, `engineer` or `administrator`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use fansipan_collector::sources::http::{Sender, Verifier};
use fansipan_model::Scope;
use fansipan_storage::StateStore;
use sha2::{Digest as _, Sha256};

/// How long a verdict is believed: a revoked token stops working within this time.
const BELIEVED: Duration = Duration::from_secs(5);
/// Verdicts remembered; more distinct tokens at once are asked for each time.
const REMEMBERED: usize = 1024;

type Verdicts = std::collections::HashMap<[u8; 32], (Instant, Option<Sender>)>;

/// Looks tokens up in the state store, which knows their hashes only.
pub(crate) fn verifier(state: Arc<dyn StateStore>) -> Verifier {
    let verdicts: Mutex<Verdicts> = Mutex::default();
    Arc::new(move |token| {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let lock = || verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, verdict)) = lock().get(&hash)
            && at.elapsed() < BELIEVED
        {
            return verdict.clone();
        }
        let verdict = look_up(&*state, &hash);
        let mut known = lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(hash, (Instant::now(), verdict.clone()));
        verdict
    })
}

fn look_up(state: &dyn StateStore, hash: &[u8; 32]) -> Option<Sender> {
    let now = i64::try_from(crate::live::now()).ok()?;
    let token = match state.use_token(hash, now) {
        Ok(token) => token?,
        Err(error) => {
            tracing::error!(%error, "FSP-RUN-079: cannot look up a sender's token; it is refused for now");
            return None;
        }
    };
    let may_send = token.roles.iter().any(|r| ["sender", "engineer", "administrator"].contains(&r.as_str()));
    let agency = match &token.scope {
        Scope::All => None,
        Scope::Agencies(list) => list.first().map(|a| a.as_str().to_owned()),
    };
    may_send.then(|| Sender { name: token.name.into(), agency })
}

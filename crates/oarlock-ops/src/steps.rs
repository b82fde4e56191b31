//! Requests of two steps: the first is committed before the second is looked for, so nothing that happens to the second, a crash, an
//! interruption, a refusal, undoes the first. With an idempotency key the reply of the first is kept, and then that of both: a
//! repetition goes on where the call before it stopped.

use crate::OpError;
use crate::call::{self, Written};
use crate::caller::Caller;
use crate::once::Once;
use crate::request::Mutation;
use crate::search::{Findings, Tried};
use crate::settings::Settings;
use crate::store::Store;
use crate::wait::wait_for;

/// Runs both steps, and waits for the second as long as the request says.
///
/// # Errors
/// Those of the first step. Once that is done there is a reply.
pub(crate) fn run<M: Mutation>(store: &mut dyn Store, caller: &Caller, settings: &Settings, request: &M) -> Result<M::Reply, OpError> {
    let (first, _) = call::step_once(store, caller, settings, request, None, &mut Findings::default())?;
    if request.is_whole(&first) {
        return Ok(first);
    }
    let mut last = None;
    let went_on = wait_for(
        store,
        request.waiting(),
        &mut |store, findings| {
            let tried = call::step_once(store, caller, settings, request, Some(&first), findings);
            tried.map(|(reply, _)| reply).inspect_err(|no| last = Some(no.clone()))
        },
        &mut |store, findings| call::is_worth_trying(store, caller, settings, request, findings),
    );
    match (went_on, last) {
        (Ok(reply), _) => Ok(reply),
        // An interrupted wait: the last refusal says more. It stays open for a repetition.
        (Err(OpError::Store(_)), Some(last @ OpError::Rejected(_))) => Ok(request.give_up(first, &last)),
        (Err(refusal), _) => end(store, caller, request, first, &refusal).map(|(reply, _)| reply),
    }
}

/// Tries both steps once. A second step that waits is "not yet", if there is a key under which the first is kept. A second step that
/// is not finished is tried again with the reply of the first.
///
/// # Errors
/// Those of the first step; "not yet".
pub(crate) fn try_once<M: Mutation>(
    store: &mut dyn Store,
    caller: &Caller,
    settings: &Settings,
    request: &M,
    findings: &mut Findings,
) -> Result<Tried<Written<M::Reply>>, OpError> {
    let (first, text) = match findings.first.take() {
        Some(text) => (serde_json::from_str(&text)?, None),
        None => match call::try_step(store, caller, settings, request, None, findings)? {
            Tried::Done(first) => first,
            unfinished => return Ok(unfinished),
        },
    };
    if request.is_whole(&first) {
        return Ok(Tried::Done((first, text)));
    }
    match call::try_step(store, caller, settings, request, Some(&first), findings) {
        Ok(unfinished @ (Tried::Search | Tried::Portion)) => {
            findings.first = Some(serde_json::to_string(&first)?);
            Ok(unfinished)
        }
        Err(no) if no.is_not_yet() && request.waiting().is_some() && caller.key.is_some() => Err(no),
        Err(refusal) => end(store, caller, request, first, &refusal).map(Tried::Done),
        went_on => went_on,
    }
}

/// Ends a wait for the second step that was in vain.
///
/// # Errors
/// The refusal itself, when the first step was never made; store errors.
pub(crate) fn give_up<M: Mutation>(
    store: &mut dyn Store,
    caller: &Caller,
    request: &M,
    refusal: OpError,
) -> Result<Written<M::Reply>, OpError> {
    let Some(key) = caller.key.as_ref().filter(|_| request.goes_on()) else { return Err(refusal) };
    let kept = Once::of(caller, key, request)?.kept::<M>(&*store.snapshot()?)?;
    let Some(kept) = kept else { return Err(refusal) };
    end(store, caller, request, serde_json::from_str(&kept)?, &refusal)
}

/// The reply to a second step that was refused. A lawful refusal is kept with the first step's reply; what the store failed at is not
/// decided, and a repetition tries it again.
fn end<M: Mutation>(
    store: &mut dyn Store,
    caller: &Caller,
    request: &M,
    first: M::Reply,
    refusal: &OpError,
) -> Result<Written<M::Reply>, OpError> {
    if request.is_whole(&first) {
        return Ok((first, None));
    }
    let reply = request.give_up(first, refusal);
    let (Some(key), OpError::Rejected(_)) = (&caller.key, refusal) else { return Ok((reply, None)) };
    let once = Once::of(caller, key, request)?;
    let mut tx = store.begin(&request.locks_of_next(), M::DURABILITY)?;
    // Somebody who calls with the same key may have got further.
    if let Some(kept) = once.kept::<M>(tx.view())? {
        let kept_reply = serde_json::from_str(&kept)?;
        if request.is_whole(&kept_reply) {
            return Ok((kept_reply, Some(kept)));
        }
    }
    let text = once.keep(&mut *tx, &reply)?;
    tx.commit()?;
    Ok((reply, Some(text)))
}

//! Command lines that cannot be understood.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, FromArgMatches};
use oarlock_model::Rejection;
use oarlock_ops::OpError;

use super::verbs;

/// The arguments of a verb.
///
/// # Errors
/// As [`usage_error`].
pub(crate) fn parsed<T: FromArgMatches>(matches: &ArgMatches) -> Result<T, OpError> {
    T::from_arg_matches(matches).map_err(usage_error)
}

/// The hint for a flag that this verb does not have and others have; to pass it as a value, as clap advises, was not intended.
fn foreign_flag(error: &clap::Error) -> Option<String> {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) = (error.kind(), error.get(ContextKind::InvalidArg)) else {
        return None;
    };
    let verbs = verbs::with_flag(flag.strip_prefix("--")?.split('=').next()?);
    if verbs.is_empty() {
        return None;
    }
    let text = error.render().to_string();
    let usage = text.lines().find_map(|line| line.trim().strip_prefix("Usage: ")).unwrap_or_default().to_owned();
    Some(format!("{flag} is a flag of {}; usage here: {usage}", verbs.join(", ")))
}

/// The refusal of clap, in the words of the contract: a bad value is `invalid_request`, the rest `usage`.
pub(crate) fn usage_error(error: clap::Error) -> OpError {
    let source = std::error::Error::source(&error);
    if let Some(rejection) = source.and_then(|source| source.downcast_ref::<Rejection>()) {
        return rejection.clone().into();
    }
    if let Some(op) = source.and_then(|source| source.downcast_ref::<OpError>()) {
        return op.clone();
    }
    let text = error.render().to_string();
    // The first paragraph names the fault, the rest what to do.
    let (what, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let joined = |text: &str, with: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(with);
    let message = joined(what.trim_start_matches("error: "), " ");
    let hint = foreign_flag(&error).unwrap_or_else(|| joined(rest, "; "));
    let has_value = matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if !value.is_empty());
    match error.kind() {
        ErrorKind::ValueValidation => Rejection::invalid(message, hint).into(),
        ErrorKind::InvalidValue if has_value => Rejection::invalid(message, hint).into(),
        _ => OpError::Usage { message, hint },
    }
}

//! x
use crate::{Options, Plan};
/// x
pub struct Problem {}
/// x
pub fn validate(_: &str, _: Option<&str>, _: &Options, _: &[String]) -> Result<Plan, Vec<Problem>> {
    Ok(Plan::default())
}

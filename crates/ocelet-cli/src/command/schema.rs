//! `ocelet schema`: the recipe's JSON schema.

use std::process::ExitCode;

use crate::failure::Failure;
use crate::output::print_json;

pub(super) fn run() -> Result<ExitCode, Failure> {
    print_json(&ocelet::recipe::schema())?;
    Ok(ExitCode::SUCCESS)
}

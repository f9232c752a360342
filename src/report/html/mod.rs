//! stub
use super::{Report, ReportError};
/// stub
pub fn page(_: &Report) -> Result<String, ReportError> { Ok(String::new()) }

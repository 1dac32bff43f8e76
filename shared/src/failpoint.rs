//! Points between the steps of a run, at which a test ends it: by an error, a panic or a
//! kill. A program that is built without the feature `failpoints` has nothing of them.

use crate::Result;

/// Passes, or ends as a test has set the point up: `return` is an error that may be tried
/// again.
#[cfg(feature = "failpoints")]
pub fn reach(point: &'static str) -> Result<()> {
    recorded().push(point);
    fail::fail_point!(point, |_| Err(crate::Error::Unavailable {
        service: "failpoint",
        operation: point.to_owned(),
        reason: "a test asked for it".to_owned(),
    }));
    Ok(())
}

/// Passes.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
#[allow(clippy::inline_always)] // so that nothing of it is left
pub fn reach(_: &'static str) -> Result<()> {
    Ok(())
}

/// The points that this process came by since it was last asked, in their order: a test need
/// not list them, and can't forget one.
#[cfg(feature = "failpoints")]
pub fn reached() -> Vec<&'static str> {
    std::mem::take(&mut *recorded())
}

#[cfg(feature = "failpoints")]
fn recorded() -> std::sync::MutexGuard<'static, Vec<&'static str>> {
    static REACHED: std::sync::Mutex<Vec<&'static str>> = std::sync::Mutex::new(Vec::new());
    REACHED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

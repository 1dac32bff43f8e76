//! One heap for all threads.

/// Makes threads share a heap that gives back what is free, to be called before there are any.
///
/// glibc gives threads heaps of their own, up to eight a core; what one of them was given for an
/// upload, another does not find for a model. On two cores the peak is a fifth (apply) to a seventh
/// (fit) lower with one heap, and the time no other: hot loops do not allocate. More cores were not
/// measured.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "glibc's settings have no safe interface")]
pub(crate) fn share() {
    // Without the last two, freeing one large piece makes glibc keep pieces of that size.
    let settings = [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, 4 << 20),
        (libc::M_TRIM_THRESHOLD, 8 << 20),
    ];
    for (setting, value) in settings {
        // SAFETY: the process has one thread still. A value that is refused leaves all as it is.
        unsafe {
            libc::mallopt(setting, value);
        }
    }
}

/// Elsewhere the allocator is left as it is.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn share() {}

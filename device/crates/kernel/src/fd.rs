//! Descriptors: one that closes itself, and one that is lent.

use crate::sys::sys;
use core::marker::PhantomData;

/// An open descriptor of this process; closed when dropped.
#[derive(Debug, PartialEq, Eq)]
pub struct Fd(i32);

/// A descriptor that somebody else will close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BorrowedFd<'a>(i32, PhantomData<&'a Fd>);

/// The working directory, for calls that take a directory and a path.
pub const CWD: BorrowedFd<'static> = BorrowedFd::standing(linux_raw_sys::general::AT_FDCWD);

impl Fd {
    /// Takes over a descriptor by its number, of which nobody else may be the owner.
    #[must_use]
    pub const fn from_raw(number: i32) -> Self {
        Self(number)
    }

    /// Lends it.
    #[must_use]
    pub const fn borrow(&self) -> BorrowedFd<'_> {
        BorrowedFd(self.0, PhantomData)
    }

    /// Its number.
    #[must_use]
    pub const fn raw(&self) -> i32 {
        self.0
    }

    /// Its number; it stays open until the program ends or becomes another.
    #[must_use]
    pub fn into_raw(self) -> i32 {
        let number = self.0;
        core::mem::forget(self);
        number
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        // Nothing can be done about an error of close, and the number is free even so.
        let _ = sys!(close, self.0);
    }
}

impl BorrowedFd<'_> {
    /// A descriptor that is open for as long as the program runs, such as 0, 1 and 2.
    #[must_use]
    pub const fn standing(number: i32) -> BorrowedFd<'static> {
        BorrowedFd(number, PhantomData)
    }

    /// Its number.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }
}

impl<'a> From<&'a Fd> for BorrowedFd<'a> {
    fn from(fd: &'a Fd) -> Self {
        fd.borrow()
    }
}

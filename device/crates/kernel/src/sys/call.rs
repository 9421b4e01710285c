//! One system call: arguments that can only be integers or borrowed memory, and the macro that makes the call.

use crate::Result;
use crate::fd::BorrowedFd;
use core::ffi::CStr;
use core::ptr;
use syscalls::Sysno;

/// Something that fits a register: an integer, or a pointer to memory that is borrowed while the call lasts.
pub(crate) trait Argument {
    fn word(self) -> usize;
}

macro_rules! integers {
    ($($kind:ty),*) => {$(
        impl Argument for $kind {
            #[inline(always)]
            fn word(self) -> usize {
                self as usize
            }
        }
    )*};
}
integers!(i32, u32, i64, u64, isize, usize);

impl Argument for BorrowedFd<'_> {
    #[inline(always)]
    fn word(self) -> usize {
        self.raw() as usize
    }
}

impl Argument for &CStr {
    #[inline(always)]
    fn word(self) -> usize {
        self.as_ptr() as usize
    }
}

impl Argument for Option<&CStr> {
    #[inline(always)]
    fn word(self) -> usize {
        self.map_or(ptr::null(), CStr::as_ptr) as usize
    }
}

/// Memory that the call reads.
pub(crate) struct In<'a, T: ?Sized>(pub(crate) &'a T);
/// Memory that the call writes; nothing in it may be of a kind that not every bit pattern is a value of.
pub(crate) struct Out<'a, T: ?Sized>(pub(crate) &'a mut T);
/// Memory that the call reads and writes.
pub(crate) struct InOut<'a, T: ?Sized>(pub(crate) &'a mut T);

impl<T: ?Sized> Argument for In<'_, T> {
    #[inline(always)]
    fn word(self) -> usize {
        ptr::from_ref(self.0).cast::<u8>() as usize
    }
}

impl<T: ?Sized> Argument for Out<'_, T> {
    #[inline(always)]
    fn word(self) -> usize {
        ptr::from_mut(self.0).cast::<u8>() as usize
    }
}

impl<T: ?Sized> Argument for InOut<'_, T> {
    #[inline(always)]
    fn word(self) -> usize {
        ptr::from_mut(self.0).cast::<u8>() as usize
    }
}

/// A null-terminated array of strings, as `execve` wants it. Holds the strings for as long as it lives.
pub(crate) struct Words<'a> {
    pointers: alloc::vec::Vec<usize>,
    strings: core::marker::PhantomData<&'a CStr>,
}

impl<'a> Words<'a> {
    pub(crate) fn new<S: AsRef<CStr> + 'a>(strings: &'a [S]) -> Self {
        let pointers = strings.iter().map(|text| text.as_ref().as_ptr() as usize).chain([0]).collect();
        Self { pointers, strings: core::marker::PhantomData }
    }
}

impl Argument for &Words<'_> {
    #[inline(always)]
    fn word(self) -> usize {
        self.pointers.as_ptr() as usize
    }
}

/// Makes the call. Registers that a call does not use are zero.
#[inline(always)]
pub(crate) fn make<const N: usize>(number: Sysno, words: [usize; N]) -> Result<usize> {
    let word = |index: usize| words.get(index).copied().unwrap_or(0);
    // SAFETY: every word is an integer, or the address of memory that is borrowed by the expression that `sys!` expands to
    // and so for the whole call, mutably where the kernel writes (`Argument`). Lengths are those of the borrowed memory:
    // each caller gives them beside it.
    unsafe { syscalls::syscall6(number, word(0), word(1), word(2), word(3), word(4), word(5)) }
}

/// `sys!(read, fd, Out(buffer), buffer.len())`: the call's result, or its `errno`.
macro_rules! sys {
    ($name:ident $(, $argument:expr)*) => {{
        #[allow(unused_imports)]
        use $crate::sys::call::Argument as _;
        $crate::sys::call::make(syscalls::Sysno::$name, [$(($argument).word()),*])
    }};
}
pub(crate) use sys;

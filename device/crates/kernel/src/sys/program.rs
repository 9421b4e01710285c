//! The first instructions of a program, and what it leaves to a C library otherwise.

pub use super::memory::Allocator;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char};

/// What the kernel gave the program.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// `argv`, the program's name first.
    pub arguments: Vec<&'static CStr>,
    /// `envp`: `NAME=value` each.
    pub environment: Vec<&'static CStr>,
}

/// Reads the stack that the kernel prepared: the count of arguments, their addresses, a null, those of the environment, a
/// null (System V ABI, "process initialization").
///
/// # Safety
/// `stack` is the stack pointer that the kernel started the program with.
#[must_use]
pub unsafe fn invocation(stack: *const usize) -> Invocation {
    // SAFETY: the layout is that of the ABI, and the kernel's memory stays for the whole life of the program.
    unsafe {
        let count = *stack;
        let list = |from: usize| {
            (from..)
                .map(|index| *stack.add(index) as *const c_char)
                .take_while(|text| !text.is_null())
                .map(|text| CStr::from_ptr::<'static>(text))
                .collect()
        };
        Invocation { arguments: list(1), environment: list(count + 2) }
    }
}

/// Makes a program of a function from [`Invocation`] to its exit code: entry point, allocator, and what a panic does (a
/// line on standard error, and exit code 2). Build it with `-nostartfiles -nostdlib -static`.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        #[global_allocator]
        static ALLOCATOR: $crate::program::Allocator = $crate::program::Allocator::new();

        #[cfg(target_arch = "x86_64")]
        core::arch::global_asm!(
            ".globl _start",
            "_start:",
            "xor %ebp, %ebp",
            "mov %rsp, %rdi",
            "and $-16, %rsp",
            "call {start}",
            "ud2",
            start = sym start,
            options(att_syntax)
        );

        #[cfg(target_arch = "aarch64")]
        core::arch::global_asm!(
            ".globl _start",
            "_start:",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, sp",
            "bl {start}",
            "udf #0",
            start = sym start,
        );

        extern "C" fn start(stack: *const usize) -> ! {
            // SAFETY: `_start` gives the kernel's stack pointer.
            let invocation = unsafe { $crate::program::invocation(stack) };
            $crate::process::exit($main(invocation))
        }

        #[panic_handler]
        fn panic(information: &core::panic::PanicInfo<'_>) -> ! {
            $crate::fs::print_error(format_args!("this is a bug: {information}\n"));
            $crate::process::exit(2)
        }

        /// Nothing unwinds: the name is only asked for by what the compiler ships ready-made.
        #[unsafe(no_mangle)]
        extern "C" fn rust_eh_personality() {}

        /// As above.
        #[unsafe(no_mangle)]
        extern "C" fn _Unwind_Resume() {}

        $crate::memory_functions!();
    };
}

/// memcpy and its like, which compilers call without being asked. Processors copy well by one instruction; on those
/// without such an instruction, eight bytes at a time.
#[doc(hidden)]
#[macro_export]
macro_rules! memory_functions {
    () => {
        #[cfg(target_arch = "x86_64")]
        core::arch::global_asm!(
            ".globl memcpy, memmove, memset, memcmp, bcmp, strlen",
            "memmove:",
            "mov %rdi, %rax",
            "sub %rsi, %rax",
            "cmp %rdx, %rax",
            "jae memcpy",
            "mov %rdi, %rax",
            "mov %rdx, %rcx",
            "lea -1(%rdi,%rdx), %rdi",
            "lea -1(%rsi,%rdx), %rsi",
            "std",
            "rep movsb",
            "cld",
            "ret",
            "memcpy:",
            "mov %rdi, %rax",
            "mov %rdx, %rcx",
            // Short ones eight bytes at a time: the instruction for long ones takes its time to begin.
            "cmp $256, %rcx",
            "ja 7f",
            "5: cmp $8, %rcx",
            "jb 6f",
            "mov (%rsi), %r8",
            "mov %r8, (%rdi)",
            "add $8, %rsi",
            "add $8, %rdi",
            "sub $8, %rcx",
            "jmp 5b",
            "6: test %rcx, %rcx",
            "je 8f",
            "movb (%rsi), %r8b",
            "movb %r8b, (%rdi)",
            "inc %rsi",
            "inc %rdi",
            "dec %rcx",
            "jmp 6b",
            "7: rep movsb",
            "8: ret",
            "memset:",
            "mov %rdi, %r8",
            "mov %esi, %eax",
            "mov %rdx, %rcx",
            "rep stosb",
            "mov %r8, %rax",
            "ret",
            "memcmp:",
            "bcmp:",
            "xor %ecx, %ecx",
            "9: cmp %rdx, %rcx",
            "je 2f",
            "movzbl (%rdi,%rcx), %eax",
            "movzbl (%rsi,%rcx), %r8d",
            "inc %rcx",
            "sub %r8d, %eax",
            "je 9b",
            "ret",
            "2: xor %eax, %eax",
            "ret",
            "strlen:",
            "xor %eax, %eax",
            "3: cmpb $0, (%rdi,%rax)",
            "je 4f",
            "inc %rax",
            "jmp 3b",
            "4: ret",
            options(att_syntax)
        );

        #[cfg(target_arch = "aarch64")]
        core::arch::global_asm!(
            ".globl memcpy, memmove, memset, memcmp, bcmp, strlen",
            "memmove:",
            "sub x3, x0, x1",
            "cmp x3, x2",
            "b.hs memcpy",
            "5: cbz x2, 6f",
            "sub x2, x2, #1",
            "ldrb w4, [x1, x2]",
            "strb w4, [x0, x2]",
            "b 5b",
            "6: ret",
            "memcpy:",
            "mov x3, x0",
            "7: cmp x2, #8",
            "b.lo 8f",
            "ldr x4, [x1], #8",
            "str x4, [x3], #8",
            "sub x2, x2, #8",
            "b 7b",
            "8: cbz x2, 9f",
            "ldrb w4, [x1], #1",
            "strb w4, [x3], #1",
            "sub x2, x2, #1",
            "b 8b",
            "9: ret",
            "memset:",
            "mov x3, x0",
            "10: cbz x2, 11f",
            "strb w1, [x3], #1",
            "sub x2, x2, #1",
            "b 10b",
            "11: ret",
            "memcmp:",
            "bcmp:",
            "12: cbz x2, 13f",
            "ldrb w3, [x0], #1",
            "ldrb w4, [x1], #1",
            "sub x2, x2, #1",
            "subs w3, w3, w4",
            "b.eq 12b",
            "mov w0, w3",
            "ret",
            "13: mov w0, wzr",
            "ret",
            "strlen:",
            "mov x1, x0",
            "mov x0, xzr",
            "14: ldrb w2, [x1, x0]",
            "cbz w2, 15f",
            "add x0, x0, #1",
            "b 14b",
            "15: ret",
        );
    };
}

/// The functions in the place of the C library's, for this whole test program.
#[cfg(test)]
mod tests {
    use core::hint::black_box;

    crate::memory_functions!();

    unsafe extern "C" {
        fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8;
        fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8;
        fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8;
        fn memcmp(one: *const u8, other: *const u8, count: usize) -> i32;
        fn bcmp(one: *const u8, other: *const u8, count: usize) -> i32;
        fn strlen(text: *const u8) -> usize;
    }

    const ROOM: usize = 72;

    /// Every byte another, never zero; byte by byte, by no function that is tried here.
    fn pattern() -> [u8; ROOM] {
        let mut bytes = [0; ROOM];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = black_box(index as u8 + 1);
        }
        bytes
    }

    fn assert_same(found: &[u8; ROOM], wanted: impl Fn(usize) -> u8, what: &str) {
        for (index, byte) in found.iter().enumerate() {
            assert!(*byte == wanted(index), "{what}: byte {index} is {byte}");
        }
    }

    #[test]
    fn memory_is_moved_whatever_overlaps() {
        let before = pattern();
        for count in 0..=40 {
            for from in 0..=24 {
                for to in 0..=24 {
                    let wanted =
                        |at: usize| if (to..to + count).contains(&at) { before[at - to + from] } else { before[at] };
                    let mut bytes = pattern();
                    let start = bytes.as_mut_ptr();
                    // SAFETY: 24 and 40 are within the room.
                    unsafe { assert!(memmove(start.add(to), start.add(from), count) == start.add(to)) };
                    assert_same(&bytes, wanted, "memmove");
                    let mut bytes = pattern();
                    // SAFETY: as above, and two rooms do not overlap.
                    unsafe { memcpy(bytes.as_mut_ptr().add(to), before.as_ptr().add(from), count) };
                    assert_same(&bytes, wanted, "memcpy");
                }
            }
        }
    }

    #[test]
    fn memory_is_filled() {
        for count in 0..=40 {
            for to in 0..=16 {
                let (before, mut bytes) = (pattern(), pattern());
                let start = bytes.as_mut_ptr();
                // SAFETY: within the room.
                unsafe { assert!(memset(start.add(to), 0x1fe, count) == start.add(to)) };
                assert_same(&bytes, |at| if (to..to + count).contains(&at) { 0xfe } else { before[at] }, "memset");
            }
        }
    }

    #[test]
    fn memory_is_compared_as_bytes_without_sign() {
        let before = pattern();
        for count in 0..=40 {
            for differs in 0..=41 {
                for (value, order) in [(0u8, -1), (255, 1)] {
                    let mut bytes = pattern();
                    bytes[differs] = value;
                    let order = if differs < count { order } else { 0 };
                    // SAFETY: within the room.
                    let (found, same) = unsafe {
                        (memcmp(bytes.as_ptr(), before.as_ptr(), count), bcmp(bytes.as_ptr(), before.as_ptr(), count))
                    };
                    assert_eq!((found.signum(), same == 0), (order, order == 0), "{count} {differs}");
                }
            }
        }
    }

    #[test]
    fn text_ends_at_its_zero() {
        for start in 0..16 {
            for end in start..40 {
                let mut bytes = pattern();
                bytes[end] = 0;
                // SAFETY: there is a zero in the room.
                assert_eq!(unsafe { strlen(bytes.as_ptr().add(start)) }, end - start);
            }
        }
    }

    /// Otherwise the tests above would be about the C library.
    #[test]
    fn the_functions_are_those_of_this_program() {
        let own = the_functions_are_those_of_this_program as fn() as usize;
        let all = [
            memcpy as *const (),
            memmove as *const (),
            memset as *const (),
            memcmp as *const (),
            bcmp as *const (),
            strlen as *const (),
        ];
        for function in all {
            assert!((function as usize).abs_diff(own) < 64 << 20, "{function:p} is far from {own:x}");
        }
    }
}

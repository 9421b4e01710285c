//! Memory of the program: an allocator of size classes over one growing mapping, and the functions that compilers take
//! for granted.
//!
//! The programs live for milliseconds or wait for hours, and hold little. Freed blocks go onto the list of their class and
//! come back from there; nothing is given back to the kernel. One thread only: the programs start none.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;

/// Classes are powers of two from 16 bytes up.
const SMALLEST: usize = 16;
const CLASSES: usize = 28;
/// What is asked of the kernel at a time, at the least. Untouched pages cost nothing.
const CHUNK: usize = 1 << 20;

struct Heap {
    free: [*mut u8; CLASSES],
    next: usize,
    end: usize,
}

/// The allocator of a program of one thread.
pub struct Allocator(UnsafeCell<Heap>);

// SAFETY: programs with this allocator have one thread, and it is not used in signal handlers: they have none.
unsafe impl Sync for Allocator {}

impl Allocator {
    /// An allocator that has asked for nothing yet.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "used in a static")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(Heap { free: [ptr::null_mut(); CLASSES], next: 0, end: 0 }))
    }
}

/// Index of the class that holds blocks of this layout; alignment is no larger than the block.
fn class_of(layout: Layout) -> usize {
    let size = layout.size().max(layout.align()).max(SMALLEST).next_power_of_two();
    (size.trailing_zeros() - SMALLEST.trailing_zeros()) as usize
}

// SAFETY: a block is taken from a list or from memory never given out before, is as large and as aligned as its class, which
// is no smaller than the layout, and goes back to the list of the same class.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and no call below comes back here, so this is the only reference.
        let heap = unsafe { &mut *self.0.get() };
        let class = class_of(layout);
        let Some(list) = heap.free.get_mut(class) else { return ptr::null_mut() };
        if !list.is_null() {
            let block = *list;
            // SAFETY: a block on a list holds the address of the next one in its first bytes.
            *list = unsafe { block.cast::<*mut u8>().read() };
            return block;
        }
        heap.fresh(SMALLEST << class)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let heap = unsafe { &mut *self.0.get() };
        let class = class_of(layout);
        if heap.free.get(class).is_some_and(|list| list.is_null()) {
            // Never given out before, so still as the kernel made it.
            return heap.fresh(SMALLEST << class);
        }
        // SAFETY: the caller's promises are ours; the block has at least the layout's size.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        let heap = unsafe { &mut *self.0.get() };
        let Some(list) = heap.free.get_mut(class_of(layout)) else { return };
        // SAFETY: the block is ours again, and holds at least a pointer.
        unsafe { block.cast::<*mut u8>().write(*list) };
        *list = block;
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else { return ptr::null_mut() };
        if class_of(wanted) == class_of(layout) {
            return block;
        }
        // SAFETY: the caller's promises are ours: `block` came from here with `layout`.
        unsafe {
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

impl Heap {
    fn fresh(&mut self, size: usize) -> *mut u8 {
        let start = self.next.next_multiple_of(size.min(4096));
        if start + size > self.end {
            let length = size.next_multiple_of(4096).max(CHUNK);
            let Ok(address) = map(length) else { return ptr::null_mut() };
            (self.next, self.end) = (address, address + length);
            return self.fresh(size);
        }
        self.next = start + size;
        start as *mut u8
    }
}

fn map(length: usize) -> crate::Result<usize> {
    use linux_raw_sys::general::{MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE};
    super::sys!(mmap, 0usize, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1i32, 0usize)
}

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
/// The smallest page of all machines: what is mapped is aligned to it.
const PAGE: usize = 4096;
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

/// Index of the class that holds blocks of this layout; past the last one where there is none. Blocks are aligned to their
/// size, but to no more than a page.
fn class_of(layout: Layout) -> usize {
    if layout.align() > PAGE {
        return CLASSES;
    }
    let size = layout.size().max(layout.align()).max(SMALLEST).next_power_of_two();
    (size.trailing_zeros() - SMALLEST.trailing_zeros()) as usize
}

// SAFETY: a block is taken from a list or from memory never given out before, is as large as its class, which is no
// smaller than the layout, and aligned to that up to a page (a layout that wants more is refused), and goes back to the list of the same class.
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
        let start = self.next.next_multiple_of(size.min(PAGE));
        if start + size > self.end {
            let length = size.next_multiple_of(PAGE).max(CHUNK);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A block that is in use, with the byte that fills it.
    struct Block {
        address: *mut u8,
        layout: Layout,
        fill: u8,
    }

    impl Block {
        fn check(&self) {
            assert_eq!(self.address as usize % self.layout.align(), 0, "{:?}", self.layout);
            // SAFETY: the block is in use, and all of it was filled.
            let content = unsafe { core::slice::from_raw_parts(self.address, self.layout.size()) };
            assert!(content.iter().all(|&byte| byte == self.fill), "{:?} is shared", self.layout);
        }

        fn fill(&mut self, fill: u8) {
            self.fill = fill;
            // SAFETY: as many bytes as the block has.
            unsafe { self.address.write_bytes(fill, self.layout.size()) };
        }
    }

    #[test]
    fn blocks_in_use_share_nothing() {
        let heap = Allocator::new();
        let mut dice = 0x9e37_79b9_7f4a_7c15u64;
        let mut roll = |end: usize| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            (dice % end as u64) as usize
        };
        let mut blocks: Vec<Block> = Vec::new();
        for round in 0..20_000 {
            let bits = roll(15);
            let size = 1 + roll(1 << bits);
            if blocks.len() < 100 || (roll(2) == 0 && blocks.len() < 400) {
                let layout = Layout::from_size_align(size, 1 << (bits % 13)).unwrap();
                // SAFETY: the size is not zero.
                let address = unsafe { heap.alloc(layout) };
                assert!(!address.is_null());
                blocks.push(Block { address, layout, fill: 0 });
            } else {
                let index = roll(blocks.len());
                let mut block = blocks.swap_remove(index);
                block.check();
                if roll(2) == 0 {
                    // SAFETY: it came from here with its layout, and is used no more.
                    unsafe { heap.dealloc(block.address, block.layout) };
                    continue;
                }
                // SAFETY: as above.
                block.address = unsafe { heap.realloc(block.address, block.layout, size) };
                let kept = block.layout.size().min(size);
                block.layout = Layout::from_size_align(kept, block.layout.align()).unwrap();
                block.check();
                block.layout = Layout::from_size_align(size, block.layout.align()).unwrap();
                blocks.push(block);
            }
            blocks.last_mut().unwrap().fill(round as u8);
        }
        blocks.iter().for_each(Block::check);
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        let heap = Allocator::new();
        for (size, align) in [(16, 8192), (1 << 40, 1), (isize::MAX as usize, 1)] {
            // SAFETY: the size is not zero.
            assert!(unsafe { heap.alloc(Layout::from_size_align(size, align).unwrap()) }.is_null());
        }
    }
}

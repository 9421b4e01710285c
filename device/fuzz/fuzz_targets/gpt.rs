//! A sound medium with any bytes of its table changed: reading ends, and what is written for growing is on the medium, and
//! is read back as it was meant. Input: a byte that says whether the checksums are made to fit again, then changes of five
//! bytes each: where (2), what (3).
#![no_main]
use gpt::{Disk, Geometry, Table};
use libfuzzer_sys::fuzz_target;
use std::io;

const SECTOR: usize = 512;
const SECTORS: usize = 8192;
/// As much of either end as a table of this size has.
const END: usize = 40 * SECTOR;

/// Both ends of a medium; between them it reads as zeros, and must not be written to.
struct Medium {
    start: Vec<u8>,
    end: Vec<u8>,
}

impl Medium {
    fn byte(&mut self, offset: usize) -> Option<&mut u8> {
        let end = SECTOR * SECTORS - END;
        if offset < END { self.start.get_mut(offset) } else { self.end.get_mut(offset.checked_sub(end)?) }
    }
}

impl Disk for Medium {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        if start.checked_add(buffer.len()).is_none_or(|end| end > SECTOR * SECTORS) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = SECTOR * SECTORS - END;
        for (index, byte) in buffer.iter_mut().enumerate() {
            let at = start + index;
            *byte = if at < END {
                self.start[at]
            } else if at < end {
                0
            } else {
                self.end[at - end]
            };
        }
        Ok(())
    }

    fn write_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).expect("an offset on the medium");
        for (index, value) in data.iter().enumerate() {
            *self.byte(start + index).expect("only the ends are written to") = *value;
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// CRC-32 bit by bit: another one than the reader's.
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

fn put(bytes: &mut [u8], offset: usize, value: &[u8]) {
    bytes[offset..offset + value.len()].copy_from_slice(value);
}

/// Two partitions, as the image stage makes them.
fn table() -> Vec<u8> {
    let mut bytes = vec![0; END];
    for (index, (first, last)) in [(64_u64, 127_u64), (128, 1023)].into_iter().enumerate() {
        let entry = 2 * SECTOR + index * 128;
        bytes[entry..entry + 32].fill(0x11);
        put(&mut bytes, entry + 32, &first.to_le_bytes());
        put(&mut bytes, entry + 40, &last.to_le_bytes());
        bytes[entry + 56] = b'a' + index as u8;
    }
    put(&mut bytes, SECTOR, b"EFI PART\0\0\x01\0");
    for (at, value) in [(24, 1), (32, SECTORS as u64 - 1), (40, 34), (48, SECTORS as u64 - 34), (72, 2)] {
        put(&mut bytes, SECTOR + at, &value.to_le_bytes());
    }
    for (at, value) in [(12, 92_u32), (80, 128), (84, 128)] {
        put(&mut bytes, SECTOR + at, &value.to_le_bytes());
    }
    bytes
}

/// Makes the checksums of the primary fit, so that the fields behind them are reached.
fn mend(bytes: &mut [u8]) {
    let field =
        |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
    let (entries, count, size) = (field(bytes, SECTOR + 72), field(bytes, SECTOR + 80), field(bytes, SECTOR + 84));
    let start = entries.saturating_mul(SECTOR);
    if let Some(entries) = bytes.get(start..start.saturating_add(count.saturating_mul(size))) {
        let checksum = crc32(entries);
        put(bytes, SECTOR + 88, &checksum.to_le_bytes());
    }
    let size = field(bytes, SECTOR + 12);
    put(bytes, SECTOR + 16, &[0; 4]);
    if let Some(header) = bytes.get(SECTOR..SECTOR.saturating_add(size)) {
        let checksum = crc32(header);
        put(bytes, SECTOR + 16, &checksum.to_le_bytes());
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((how, changes)) = input.split_first() else { return };
    let mut medium = Medium { start: table(), end: vec![0; END] };
    for change in changes.chunks_exact(5) {
        let offset = usize::from(u16::from_le_bytes([change[0], change[1]])) % (34 * SECTOR);
        put(&mut medium.start, offset, &change[2..]);
    }
    if how & 1 == 1 {
        mend(&mut medium.start);
    }
    let geometry = Geometry { sector_size: SECTOR as u32, sectors: SECTORS as u64 };
    let Ok(table) = Table::read(&medium, geometry) else { return };
    let partitions = table.partitions();
    let Some(last) = partitions.iter().max_by_key(|partition| partition.first) else { return };
    if let Ok(Some(growth)) = table.grow(&medium, &last.name) {
        growth.write(&mut medium).expect("writing to memory");
        let again = Table::read(&medium, geometry).expect("what was written is a table");
        assert!(!again.needs_repair());
        assert!(again.partitions().contains(&growth.partition));
    }
});

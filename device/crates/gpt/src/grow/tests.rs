use super::*;
use crate::table::u64_at;
use std::io;

/// A medium in memory, which can lose power: of what was written since the last sync, any sector may be missing.
struct Memory {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    log: Vec<Vec<(u64, Vec<u8>)>>,
}

impl Memory {
    fn new(bytes: Vec<u8>) -> Self {
        Self { synced: bytes.clone(), bytes, log: vec![Vec::new()] }
    }
}

impl Disk for Memory {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let there = self.bytes.get(start..start + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(there);
        Ok(())
    }

    fn write_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        self.bytes[start..start + data.len()].copy_from_slice(data);
        for (index, sector) in data.chunks(512).enumerate() {
            self.log.last_mut().unwrap().push((offset + 512 * index as u64, sector.to_vec()));
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.log.push(Vec::new());
        Ok(())
    }
}

const OLD: Geometry = Geometry { sector_size: 512, sectors: 16 * 2048 };

fn grown(sectors: u64) -> Geometry {
    Geometry { sectors, ..OLD }
}

/// A medium with `boot` (1 to 4 MiB) and `persist` (4 to 12 MiB), as partitioning tools lay it out.
fn medium(geometry: Geometry) -> Vec<u8> {
    let (sector, sectors) = (geometry.sector_size as usize, geometry.sectors);
    let mut entries = vec![0; 128 * 128];
    let per_mib = (1 << 20) / u64::from(geometry.sector_size);
    for (index, (name, first, last)) in
        [("boot", per_mib, 4 * per_mib - 1), ("persist", 4 * per_mib, 12 * per_mib - 1)].into_iter().enumerate()
    {
        let entry = &mut entries[index * 128..(index + 1) * 128];
        entry[..32].fill(0x11 + index as u8);
        put(entry, 32, &u64::to_le_bytes(first));
        put(entry, 40, &u64::to_le_bytes(last));
        for (at, unit) in name.encode_utf16().enumerate() {
            put(entry, 56 + 2 * at, &unit.to_le_bytes());
        }
    }
    let entries_sectors = entries.len().div_ceil(sector) as u64;
    let mut bytes = vec![0; usize::try_from(sectors).unwrap() * sector];
    bytes[450] = 0xee;
    put(&mut bytes, 454, &1_u32.to_le_bytes());
    put(&mut bytes, 458, &u32::to_le_bytes((sectors - 1) as u32));
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    for (own, other, entries_at) in [(1, sectors - 1, 2), (sectors - 1, 1, sectors - 1 - entries_sectors)] {
        let mut header = vec![0; 92];
        put(&mut header, 0, b"EFI PART\0\0\x01\0");
        put(&mut header, 12, &92_u32.to_le_bytes());
        put(&mut header, 24, &u64::to_le_bytes(own));
        put(&mut header, 32, &u64::to_le_bytes(other));
        put(&mut header, 40, &u64::to_le_bytes(2 + entries_sectors));
        put(&mut header, 48, &u64::to_le_bytes(sectors - 2 - entries_sectors));
        put(&mut header, 72, &u64::to_le_bytes(entries_at));
        put(&mut header, 80, &128_u32.to_le_bytes());
        put(&mut header, 84, &128_u32.to_le_bytes());
        put(&mut header, 88, &crc32(&entries).to_le_bytes());
        let checksum = crc32(&header);
        put(&mut header, 16, &checksum.to_le_bytes());
        put(&mut bytes, usize::try_from(own).unwrap() * sector, &header);
        put(&mut bytes, usize::try_from(entries_at).unwrap() * sector, &entries);
    }
    bytes
}

fn larger(geometry: Geometry) -> Memory {
    let mut bytes = medium(OLD);
    bytes.resize(usize::try_from(geometry.sectors * 512).unwrap(), 0);
    Memory::new(bytes)
}

fn persist(table: &Table) -> Partition {
    table.partitions().into_iter().find(|partition| partition.name == "persist").unwrap()
}

#[test]
fn grows_to_the_mediums_end_and_then_is_content() {
    let geometry = grown(64 * 2048);
    let mut disk = larger(geometry);
    let growth = Table::read(&disk, geometry).unwrap().grow(&disk, "persist").unwrap().unwrap();
    growth.write(&mut disk).unwrap();
    let table = Table::read(&disk, geometry).unwrap();
    // The last MiB holds the backup.
    assert_eq!(persist(&table).last, 63 * 2048 - 1);
    assert_eq!(growth.extent(), (4 << 20, 59 << 20));
    assert_eq!(u64_at(&table.header, 32), geometry.sectors - 1);
    assert_eq!(u32_at(&disk.bytes, 458), 64 * 2048 - 1);
    assert!(table.grow(&disk, "persist").unwrap().is_none());
    // The backup alone says the same.
    disk.bytes[512..1024].fill(0);
    let backup = Table::read(&disk, geometry).unwrap();
    assert!(backup.needs_repair());
    assert_eq!(backup.partitions(), table.partitions());
}

#[test]
fn touches_nothing_outside_of_the_two_tables() {
    let geometry = grown(64 * 2048);
    let mut disk = larger(geometry);
    for byte in &mut disk.bytes[1 << 20..12 << 20] {
        *byte = 0x5a;
    }
    let before = disk.bytes.clone();
    Table::read(&disk, geometry).unwrap().grow(&disk, "persist").unwrap().unwrap().write(&mut disk).unwrap();
    let end = disk.bytes.len() - 33 * 512;
    assert_eq!(before[17 * 1024..end], disk.bytes[17 * 1024..end]);
    assert_eq!(before[..446], disk.bytes[..446]);
}

#[test]
fn a_medium_of_the_same_size_is_left_alone() {
    let mut bytes = medium(OLD);
    let disk = Memory::new(bytes.clone());
    let table = Table::read(&disk, OLD).unwrap();
    // 12 MiB of 16 are used, so there is room here as well.
    assert!(table.grow(&disk, "persist").unwrap().is_some());
    bytes.truncate(0);
    let small = grown(13 * 2048);
    let mut disk = Memory::new(medium(small));
    assert!(Table::read(&disk, small).unwrap().grow(&disk, "persist").unwrap().is_none());
    // Not one byte of a gain below the minimum is written.
    disk.bytes.resize(disk.bytes.len() + 4096, 0);
    let little = grown(13 * 2048 + 8);
    assert!(Table::read(&disk, little).unwrap().grow(&disk, "persist").unwrap().is_none());
}

#[test]
fn only_the_last_partition_grows() {
    let geometry = grown(64 * 2048);
    let disk = larger(geometry);
    let table = Table::read(&disk, geometry).unwrap();
    assert!(matches!(table.grow(&disk, "boot"), Err(Error::NotLast)));
    assert!(matches!(table.grow(&disk, "other"), Err(Error::Name(0))));
}

#[test]
fn sectors_of_4096_bytes_work() {
    let geometry = Geometry { sector_size: 4096, sectors: 16 * 256 };
    let mut bytes = medium(geometry);
    bytes.resize(32 << 20, 0);
    let larger = Geometry { sector_size: 4096, sectors: 32 * 256 };
    let mut disk = Memory::new(bytes);
    Table::read(&disk, larger).unwrap().grow(&disk, "persist").unwrap().unwrap().write(&mut disk).unwrap();
    let table = Table::read(&disk, larger).unwrap();
    assert!(!table.needs_repair());
    assert_eq!(persist(&table).last, 31 * 256 - 1);
}

/// Power is lost at every sync, with every sector of the primary's block, and many choices of the backup's, missing.
#[test]
fn a_whole_table_survives_a_loss_of_power_at_any_moment() {
    let geometry = grown(64 * 2048);
    let mut disk = larger(geometry);
    let growth = Table::read(&disk, geometry).unwrap().grow(&disk, "persist").unwrap().unwrap();
    growth.write(&mut disk).unwrap();
    let mut medium = disk.synced.clone();
    let (old, new) = (12 * 2048 - 1, 63 * 2048 - 1);
    let mut seed = 1_u64;
    for phase in &disk.log {
        let choices = if phase.len() <= 8 { 1 << phase.len() } else { 4096 };
        for choice in 0..choices {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let kept = if phase.len() <= 8 { choice } else { seed >> 13 };
            let mut torn = medium.clone();
            for (index, (offset, sector)) in phase.iter().enumerate() {
                if kept >> index & 1 == 1 {
                    put(&mut torn, usize::try_from(*offset).unwrap(), sector);
                }
            }
            let mut torn = Memory::new(torn);
            let table = Table::read(&torn, geometry).unwrap();
            let last = persist(&table).last;
            assert!(last == old || last == new, "{last}");
            // The next boot ends where this one would have.
            if let Some(growth) = table.grow(&torn, "persist").unwrap() {
                growth.write(&mut torn).unwrap();
            }
            let table = Table::read(&torn, geometry).unwrap();
            assert_eq!(persist(&table).last, new);
            assert!(!table.needs_repair());
        }
        for (offset, sector) in phase {
            put(&mut medium, usize::try_from(*offset).unwrap(), sector);
        }
    }
}

#[test]
fn a_damaged_primary_is_mended_without_growing() {
    let geometry = grown(13 * 2048);
    let mut disk = Memory::new(medium(geometry));
    let before = disk.bytes.clone();
    disk.bytes[600] ^= 1;
    disk.bytes[9000] ^= 1;
    let table = Table::read(&disk, geometry).unwrap();
    assert!(table.needs_repair());
    table.grow(&disk, "persist").unwrap().unwrap().write(&mut disk).unwrap();
    assert_eq!(disk.bytes, before);
}

#[test]
fn garbage_is_refused() {
    for fill in [0, 0xff] {
        let disk = Memory::new(vec![fill; 1 << 20]);
        let read = Table::read(&disk, Geometry { sector_size: 512, sectors: 2048 });
        assert!(matches!(read, Err(Error::Broken("no signature", "no signature"))));
    }
    let disk = Memory::new(vec![0; 4096]);
    assert!(matches!(Table::read(&disk, Geometry { sector_size: 0, sectors: 8 }), Err(Error::Geometry)));
    assert!(matches!(Table::read(&disk, Geometry { sector_size: 512, sectors: 2 }), Err(Error::Geometry)));
}

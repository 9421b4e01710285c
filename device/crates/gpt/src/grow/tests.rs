use super::*;
use crate::table::u64_at;
use std::collections::BTreeMap;
use std::io;

/// A medium in memory, which can lose power: of what was written since the last sync, any sector may be missing. Sectors
/// that are not there are zero.
#[derive(Clone, Default)]
struct Memory {
    sectors: BTreeMap<u64, Vec<u8>>,
    /// Of each phase between two syncs, the sectors written.
    log: Vec<Vec<(u64, Vec<u8>)>>,
}

impl Memory {
    fn put(&mut self, sector: u64, data: &[u8]) {
        self.sectors.insert(sector, data.to_vec());
    }

    fn flip(&mut self, offset: u64, bits: u8) {
        let sector = self.sectors.entry(offset / 512).or_insert_with(|| vec![0; 512]);
        sector[usize::try_from(offset % 512).unwrap()] ^= bits;
    }
}

impl Disk for Memory {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        assert_eq!(offset % 512, 0);
        for (index, part) in buffer.chunks_mut(512).enumerate() {
            match self.sectors.get(&(offset / 512 + index as u64)) {
                Some(sector) => part.copy_from_slice(&sector[..part.len()]),
                None => part.fill(0),
            }
        }
        Ok(())
    }

    fn write_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        assert_eq!((offset % 512, data.len() % 512), (0, 0));
        let written = data.chunks(512).enumerate().map(|(index, data)| (offset / 512 + index as u64, data.to_vec()));
        let written: Vec<_> = written.collect();
        self.sectors.extend(written.iter().cloned());
        if self.log.is_empty() {
            self.log.push(Vec::new());
        }
        self.log.last_mut().unwrap().extend(written);
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
fn medium(geometry: Geometry) -> Memory {
    let (size, sectors) = (u64::from(geometry.sector_size), geometry.sectors);
    let mut entries = vec![0; 128 * 128];
    let mib = (1 << 20) / size;
    for (index, (name, first, last)) in
        [("boot", mib, 4 * mib - 1), ("persist", 4 * mib, 12 * mib - 1)].into_iter().enumerate()
    {
        let entry = &mut entries[index * 128..(index + 1) * 128];
        entry[..32].fill(0x11 + u8::try_from(index).unwrap());
        put(entry, 32, &u64::to_le_bytes(first));
        put(entry, 40, &u64::to_le_bytes(last));
        for (at, unit) in name.encode_utf16().enumerate() {
            put(entry, 56 + 2 * at, &unit.to_le_bytes());
        }
    }
    let entries_sectors = entries.len() as u64 / size;
    let mut boot_sector = vec![0; 512];
    boot_sector[450] = 0xee;
    put(&mut boot_sector, 454, &1_u32.to_le_bytes());
    put(&mut boot_sector, 458, &u32::try_from(sectors - 1).unwrap().to_le_bytes());
    put(&mut boot_sector, 510, &[0x55, 0xaa]);
    let mut disk = Memory::default();
    disk.put(0, &boot_sector);
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
        header.resize(512, 0);
        disk.put(own * (size / 512), &header);
        for (index, part) in entries.chunks(512).enumerate() {
            disk.put(entries_at * (size / 512) + index as u64, part);
        }
    }
    disk
}

fn persist(table: &Table) -> Partition {
    table.partitions().into_iter().find(|partition| partition.name == "persist").unwrap()
}

#[test]
fn grows_to_the_mediums_end_and_then_is_content() {
    let geometry = grown(64 * 2048);
    let mut disk = medium(OLD);
    let growth = Table::read(&disk, geometry).unwrap().grow(&disk, "persist").unwrap().unwrap();
    growth.write(&mut disk).unwrap();
    let table = Table::read(&disk, geometry).unwrap();
    // The last MiB holds the backup.
    assert_eq!(persist(&table).last, 63 * 2048 - 1);
    assert_eq!(growth.extent(), (4 << 20, 59 << 20));
    assert_eq!(u64_at(&table.header, 32), geometry.sectors - 1);
    assert_eq!(u32_at(&disk.sectors[&0], 458), 64 * 2048 - 1);
    assert!(table.grow(&disk, "persist").unwrap().is_none());
    // The backup alone says the same.
    disk.put(1, &[0; 512]);
    let backup = Table::read(&disk, geometry).unwrap();
    assert!(backup.needs_repair());
    assert_eq!(backup.partitions(), table.partitions());
}

#[test]
fn touches_nothing_outside_of_the_two_tables() {
    let geometry = grown(64 * 2048);
    let mut disk = medium(OLD);
    disk.put(40, &[0x5a; 512]);
    disk.put(2048, &[0x5a; 512]);
    let before = disk.clone();
    Table::read(&disk, geometry).unwrap().grow(&disk, "persist").unwrap().unwrap().write(&mut disk).unwrap();
    // Boot sector, header, the entries' first sector; and what had no content before.
    let changed = before.sectors.iter().filter(|(sector, data)| disk.sectors[sector] != **data);
    assert_eq!(changed.map(|(sector, _)| *sector).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(before.sectors[&0][..446], disk.sectors[&0][..446]);
    let new = disk.sectors.keys().filter(|sector| !before.sectors.contains_key(sector));
    assert!(new.copied().eq(geometry.sectors - 33..geometry.sectors));
}

#[test]
fn a_medium_without_room_is_left_alone() {
    // 12 MiB of 16 are used, so there is room without a larger medium as well.
    let disk = medium(OLD);
    assert!(Table::read(&disk, OLD).unwrap().grow(&disk, "persist").unwrap().is_some());
    let small = grown(13 * 2048);
    let disk = medium(small);
    assert!(Table::read(&disk, small).unwrap().grow(&disk, "persist").unwrap().is_none());
    // Nor is anything written for a gain below the minimum.
    let little = grown(13 * 2048 + 8);
    assert!(Table::read(&disk, little).unwrap().grow(&disk, "persist").unwrap().is_none());
}

#[test]
fn only_the_last_partition_grows() {
    let geometry = grown(64 * 2048);
    let disk = medium(OLD);
    let table = Table::read(&disk, geometry).unwrap();
    assert!(matches!(table.grow(&disk, "boot"), Err(Error::NotLast)));
    assert!(matches!(table.grow(&disk, "other"), Err(Error::Name(0))));
}

#[test]
fn sectors_of_4096_bytes_work() {
    let mut disk = medium(Geometry { sector_size: 4096, sectors: 16 * 256 });
    let larger = Geometry { sector_size: 4096, sectors: 32 * 256 };
    Table::read(&disk, larger).unwrap().grow(&disk, "persist").unwrap().unwrap().write(&mut disk).unwrap();
    let table = Table::read(&disk, larger).unwrap();
    assert!(!table.needs_repair());
    assert_eq!(persist(&table).last, 31 * 256 - 1);
}

/// Power is lost in each phase, with any of the primary's sectors missing, and many choices of the backup's.
#[test]
fn a_whole_table_survives_a_loss_of_power_at_any_moment() {
    let geometry = grown(64 * 2048);
    let mut disk = medium(OLD);
    let mut reached = disk.clone();
    let growth = Table::read(&disk, geometry).unwrap().grow(&disk, "persist").unwrap().unwrap();
    growth.write(&mut disk).unwrap();
    assert_eq!(disk.log.iter().map(Vec::len).collect::<Vec<_>>(), [33, 8, 0]);
    let (old, new) = (12 * 2048 - 1, 63 * 2048 - 1);
    let mut seed = 1_u64;
    for phase in &disk.log {
        for choice in 0..256 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let kept = if phase.len() <= 8 { choice } else { seed >> 13 };
            let mut torn = reached.clone();
            let there = phase.iter().enumerate().filter(|(index, _)| kept >> index & 1 == 1);
            there.for_each(|(_, (sector, data))| torn.put(*sector, data));
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
        phase.iter().for_each(|(sector, data)| reached.put(*sector, data));
    }
}

#[test]
fn a_damaged_primary_is_mended_without_growing() {
    // The header; entries in its block; both; entries in a later block; entries in two.
    for (damage, blocks) in [(&[600][..], 1), (&[1100], 1), (&[600, 1100, 3000], 1), (&[9000], 1), (&[1100, 9000], 2)] {
        let mut disk = medium(OLD);
        let before = disk.clone();
        damage.iter().for_each(|offset| disk.flip(*offset, 1));
        let table = Table::read(&disk, OLD).unwrap();
        assert!(table.needs_repair());
        table.grow(&disk, "persist").unwrap().unwrap().write(&mut disk).unwrap();
        // There is room to grow, but the backup is all there is: nothing is written to it, and growing waits.
        assert_eq!(disk.sectors, before.sectors, "{damage:?}");
        assert_eq!(disk.log.iter().map(Vec::len).collect::<Vec<_>>(), [8 * blocks, 0]);
        let table = Table::read(&disk, OLD).unwrap();
        assert!(!table.needs_repair());
        assert!(table.grow(&disk, "persist").unwrap().is_some());
    }
}

/// Puts the primary's entries behind a boot loader, as some boards want it.
fn with_boot_loader(mut disk: Memory) -> Memory {
    for sector in 2..34 {
        let part = disk.sectors.insert(sector, vec![0xb0; 512]).unwrap();
        disk.put(sector + 510, &part);
    }
    let header = disk.sectors.get_mut(&1).unwrap();
    put(header, 40, &2048_u64.to_le_bytes());
    put(header, 72, &512_u64.to_le_bytes());
    put(header, 16, &[0; 4]);
    let checksum = crc32(&header[..92]);
    put(header, 16, &checksum.to_le_bytes());
    disk
}

#[test]
fn a_boot_loader_before_the_entries_is_not_written_to() {
    let geometry = grown(64 * 2048);
    let mut disk = with_boot_loader(medium(OLD));
    Table::read(&disk, geometry).unwrap().grow(&disk, "persist").unwrap().unwrap().write(&mut disk).unwrap();
    let written: Vec<u64> = disk.log[1].iter().map(|(sector, _)| *sector).collect();
    assert_eq!(written, (0..8).chain(512..520).collect::<Vec<_>>());
    assert_eq!(persist(&Table::read(&disk, geometry).unwrap()).last, 63 * 2048 - 1);
    // Its first block shares the header's, and stays as it is.
    assert!((2..34).all(|sector| disk.sectors[&sector] == [0xb0; 512]));
    // With the header whole, damaged entries are mended where they are.
    let before = disk.clone();
    disk.flip(512 * 512 + 100, 1);
    Table::read(&disk, geometry).unwrap().grow(&disk, "persist").unwrap().unwrap().write(&mut disk).unwrap();
    assert_eq!(disk.sectors, before.sectors);
}

#[test]
fn a_primary_that_may_have_been_elsewhere_is_not_mended() {
    let mut disk = with_boot_loader(medium(OLD));
    disk.flip(600, 1);
    let table = Table::read(&disk, OLD).unwrap();
    assert!(table.needs_repair());
    assert!(matches!(table.grow(&disk, "persist"), Err(Error::Lost)));
    // Nor is one whose header and entries are damaged beyond what one torn block explains.
    let mut disk = medium(OLD);
    disk.flip(600, 1);
    disk.flip(9000, 1);
    assert!(matches!(Table::read(&disk, OLD).unwrap().grow(&disk, "persist"), Err(Error::Lost)));
}

#[test]
fn a_partition_that_reaches_beyond_the_last_one_is_in_the_way() {
    let mut disk = medium(OLD);
    let change = |disk: &mut Memory, last: u64| {
        let mut entries: Vec<u8> = (2..34).flat_map(|sector| disk.sectors[&sector].clone()).collect();
        put(&mut entries, 40, &last.to_le_bytes());
        let mut header = disk.sectors[&1].clone();
        put(&mut header, 88, &crc32(&entries).to_le_bytes());
        put(&mut header, 16, &[0; 4]);
        let checksum = crc32(&header[..92]);
        put(&mut header, 16, &checksum.to_le_bytes());
        disk.put(1, &header);
        disk.put(2, &entries[..512]);
    };
    let geometry = grown(64 * 2048);
    for last in [13 * 2048, u64::MAX] {
        change(&mut disk, last);
        let table = Table::read(&disk, geometry).unwrap();
        assert!(matches!(table.grow(&disk, "persist"), Err(Error::NotLast)));
    }
    let partition = Partition { index: 0, first: u64::MAX, last: u64::MAX, name: String::new() };
    assert_eq!(Growth { partition, geometry, writes: [vec![], vec![]] }.extent(), (u64::MAX, 0));
}

#[test]
fn garbage_is_refused() {
    let disk = Memory::default();
    let read = Table::read(&disk, Geometry { sector_size: 512, sectors: 2048 });
    assert!(matches!(read, Err(Error::Broken("no signature", "no signature"))));
    assert!(matches!(Table::read(&disk, Geometry { sector_size: 0, sectors: 8 }), Err(Error::Geometry)));
    assert!(matches!(Table::read(&disk, Geometry { sector_size: 512, sectors: 2 }), Err(Error::Geometry)));
}

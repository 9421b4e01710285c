//! CRC-32C (Castagnoli) as ext4 uses it: from all ones, not inverted at the end.

pub(crate) fn crc32c(data: &[u8]) -> u32 {
    data.iter().fold(!0, |crc, byte| {
        // Bit by bit: the superblock is all that is ever summed.
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_the_standards_check_value() {
        assert_eq!(!super::crc32c(b"123456789"), 0xe306_9283);
    }
}

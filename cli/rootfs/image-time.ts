/**
 * The time of every file in an image, in seconds: 1980-01-01T00:00:00Z. FAT knows no earlier one, and mke2fs takes 0 for
 * "now".
 */
export const IMAGE_TIME = 315_532_800;

// A ZIP archive of small files, not compressed. Its format is PKWARE's APPNOTE 6.3.10.

const UTF8_NAMES = 0x0800;
const VERSION = 20;
const FIRST_OF_1980 = 0x21; // the earliest date; the files' times are not known here

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/**
 * Makes an archive of files, each with its name.
 *
 * @param {[string, Uint8Array<ArrayBuffer>][]} files
 */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, bytes] of files) {
    const path = new TextEncoder().encode(name);
    const common = [
      ...[2, VERSION, 2, UTF8_NAMES, 2, 0, 2, 0, 2, FIRST_OF_1980],
      ...[4, crc32(bytes), 4, bytes.length, 4, bytes.length, 2, path.length, 2, 0],
    ];
    parts.push(fields([4, 0x04034b50, ...common]), path, bytes);
    directory.push(fields([4, 0x02014b50, 2, VERSION, ...common, 2, 0, 2, 0, 2, 0, 4, 0, 4, offset]), path);
    offset += 30 + path.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = files.length;
  const end = fields([4, 0x06054b50, 2, 0, 2, 0, 2, count, 2, count, 4, size, 4, offset, 2, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Writes numbers after their sizes in bytes, lowest byte first. */
function fields(sized) {
  const bytes = [];
  for (let i = 0; i < sized.length; i += 2)
    for (let n = 0; n < sized[i]; n += 1) bytes.push((sized[i + 1] >>> (8 * n)) & 255);
  return Uint8Array.from(bytes);
}

function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

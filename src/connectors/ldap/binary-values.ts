/** The text under which Active Directory's tools show an objectGUID: its first three groups are little-endian. */
export const guidText = (bytes: Buffer): string | undefined => {
  if (bytes.length !== 16) return undefined;
  const groups = [
    bytes.subarray(0, 4).toReversed(),
    bytes.subarray(4, 6).toReversed(),
    bytes.subarray(6, 8).toReversed(),
    bytes.subarray(8, 10),
    bytes.subarray(10),
  ];
  return groups.map((group) => Buffer.from(group).toString('hex')).join('-');
};

/** The reverse; undefined for a text that is no objectGUID. */
export const guidBytes = (text: string): Buffer | undefined => {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return undefined;
  const [a = '', b = '', c = '', d = '', e = ''] = text.split('-');
  const swap = (hex: string) => Buffer.from(hex, 'hex').reverse();
  return Buffer.concat([swap(a), swap(b), swap(c), Buffer.from(d + e, 'hex')]);
};

/** `S-1-5-21-…` of an objectSid ([MS-DTYP] section 2.4.2). */
export const sidText = (bytes: Buffer): string | undefined => {
  const count = bytes[1];
  if (count === undefined || bytes.length !== 8 + count * 4) return undefined;
  const parts = Array.from({ length: count }, (_, at) => bytes.readUInt32LE(8 + at * 4));
  return ['S', bytes[0], bytes.readUIntBE(2, 6), ...parts].join('-');
};

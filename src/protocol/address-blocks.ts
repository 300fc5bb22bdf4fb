import { BlockList, isIP } from 'node:net';

/** Is this address in one of the blocks? False for what is no address. */
export type AddressBlocks = (address: string) => boolean;

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** `::ffff:10.0.0.1` is the same machine as `10.0.0.1`; a zone (`%eth0`) has a meaning on its own machine only. */
export const normalizeAddress = (address: string): string => {
  const [bare = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  return (mapped?.[1] ?? bare).toLowerCase();
};

/** An address, or a CIDR block (RFC 4632 section 3.1, RFC 4291 section 2.3) that is not all addresses. */
export const isAddressBlock = (text: string): boolean => {
  const [network = '', prefix, ...rest] = text.split('/');
  const family = isIP(network);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= (family === 4 ? 32 : 128);
};

/** @throws Error when an entry is no block; see `isAddressBlock` */
export const createAddressBlocks = (blocks: readonly string[]): AddressBlocks => {
  const list = new BlockList();
  for (const block of blocks) {
    if (!isAddressBlock(block))
      throw new Error(`${block} is neither an address nor a CIDR block such as 10.0.0.0/8`);
    const [network = '', prefix] = block.split('/');
    if (prefix === undefined) list.addAddress(normalizeAddress(network), familyOf(normalizeAddress(network)));
    else list.addSubnet(network, Number(prefix), familyOf(network));
  }
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address));
};

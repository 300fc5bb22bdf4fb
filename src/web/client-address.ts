import { BlockList, isIP } from 'node:net';

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** `::ffff:10.0.0.1` is the same machine as `10.0.0.1`; a zone (`%eth0`) has a meaning on its own machine only. */
export const normalizeAddress = (address: string): string => {
  const [bare = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  return (mapped?.[1] ?? bare).toLowerCase();
};

/**
 * @param proxies addresses or CIDR blocks
 * @throws Error when an entry is neither
 */
export const createTrustedProxies = (proxies: readonly string[]): ((address: string) => boolean) => {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [network = '', prefix, ...rest] = proxy.split('/');
    const bits = Number(prefix);
    const limit = isIP(network) === 6 ? 128 : 32;
    if (
      rest.length > 0 ||
      isIP(network) === 0 ||
      (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && bits <= limit))
    ) {
      throw new Error(`${proxy} is neither an address nor a CIDR block such as 10.0.0.0/8`);
    }
    if (prefix === undefined) list.addAddress(normalizeAddress(network), family(normalizeAddress(network)));
    else list.addSubnet(network, bits, family(network));
  }
  return (address) => isIP(address) !== 0 && list.check(address, family(address));
};

const mostHops = 20;

/**
 * The nearest address that is not one of our proxies. Each proxy appends the address that it saw, so only the right end
 * of X-Forwarded-For can be believed. Its first address from the right that is not a proxy may have forged all others.
 */
export const clientAddress = (
  peer: string,
  forwardedFor: string | undefined,
  isTrusted: (address: string) => boolean,
): string => {
  let nearest = normalizeAddress(peer);
  const hops = (forwardedFor ?? '').slice(-2000).split(',').reverse().slice(0, mostHops);
  for (const hop of hops) {
    const address = normalizeAddress(hop.trim());
    if (!isTrusted(nearest) || isIP(address) === 0) return nearest;
    nearest = address;
  }
  return nearest;
};

import { BlockList, isIP } from 'node:net';

/**
 * Is it this machine, and no other? 127.0.0.0/8, ::1, `localhost` and names below it (RFC 6761 section 6.3).
 * @param host name or address, IPv6 with or without brackets
 */
export const isLoopbackHost = (host: string): boolean => {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const family = isIP(bare);
  if (family === 0) return bare === 'localhost' || bare.endsWith('.localhost');
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(bare, family === 6 ? 'ipv6' : 'ipv4');
};

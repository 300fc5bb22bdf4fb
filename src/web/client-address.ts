import { isIP } from 'node:net';
import { type AddressBlocks, normalizeAddress } from '../protocol/address-blocks.ts';

const mostHops = 20;

/**
 * The nearest address that is not one of our proxies. Each proxy appends the address that it saw, so only the right end
 * of X-Forwarded-For can be believed. Its first address from the right that is not a proxy may have forged all others.
 */
export const clientAddress = (
  peer: string,
  forwardedFor: string | undefined,
  isTrusted: AddressBlocks,
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

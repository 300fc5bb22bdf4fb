import { isIPv4, isIPv6 } from 'node:net';

/**
 * The address by which one subscriber is counted: an IPv4 address, or the /64 of an IPv6 address, since a subscriber
 * with one address of it has all of them (RFC 6177). IPv4-mapped addresses count as IPv4.
 */
export const addressBucket = (address: string): string => {
  const plain = address.replace(/%.*$/, '');
  if (isIPv4(plain)) return plain;
  if (!isIPv6(plain)) return 'unknown';
  const groups = groupsOf(plain);
  return (
    toMappedIPv4(groups) ??
    `${groups
      .slice(0, 4)
      .map((group) => group.toString(16))
      .join(':')}::/64`
  );
};

/** The eight numbers of an IPv6 address, in any of its text forms (RFC 4291 section 2.2). */
const groupsOf = (address: string): readonly number[] => {
  const [head = '', tail] = address.split('::');
  const start = numbersOf(head);
  if (tail === undefined) return start;
  const end = numbersOf(tail);
  return [...start, ...Array<number>(8 - start.length - end.length).fill(0), ...end];
};

const numbersOf = (part: string): readonly number[] =>
  part === ''
    ? []
    : part.split(':').flatMap((group) => {
        if (!group.includes('.')) return [Number.parseInt(group, 16)];
        const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
        return [a * 256 + b, c * 256 + d];
      });

const toMappedIPv4 = (groups: readonly number[]): string | undefined => {
  const [high = 0, low = 0] = groups.slice(6);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped ? [high >> 8, high & 255, low >> 8, low & 255].join('.') : undefined;
};

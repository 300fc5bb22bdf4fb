/** Characters. */
export const longestDeviceText = 100;

/** Control characters, halves of characters, and what turns the direction of text: they are no part of any name. */
const notPlain = /[\p{Cc}\p{Cs}\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** A text by which a device may be called. Undefined when it is empty, too long or no plain text. */
export const readDeviceText = (value: unknown): string | undefined => {
  if (typeof value !== 'string' || notPlain.test(value)) return undefined;
  const text = value.normalize('NFC').trim();
  return text === '' || text.length > longestDeviceText ? undefined : text;
};

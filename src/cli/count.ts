/** `1 user`, `2 users`. @param what the singular of a word that takes an s */
export const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

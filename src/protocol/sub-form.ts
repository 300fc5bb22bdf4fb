/** The form of a `sub` that is made here: 128 random bits in base64url. Names of this form could be somebody's `sub`. */
export const hasSubForm = (text: string): boolean => /^[\w-]{22}$/.test(text);

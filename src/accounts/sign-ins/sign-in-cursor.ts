import { AppError } from '../../errors.ts';
import type { SignInPlace } from '../../storage/storage.ts';
import { isSignInKind, type SignInKind } from './sign-in-entry.ts';

/** Where a page begins: behind `after` among the entries of a kind, or with the first of them. */
export interface SignInsPosition {
  readonly kind: SignInKind;
  readonly after?: SignInPlace;
}

export const writeCursor = ({ kind, after }: SignInsPosition): string =>
  Buffer.from(JSON.stringify(after === undefined ? [kind] : [kind, after.signedInAt, after.id])).toString(
    'base64url',
  );

const longestCursor = 300;

/**
 * @param only the kind that the list is limited to
 * @throws AppError `invalid_request`
 */
export const readCursor = (cursor: string, only?: SignInKind): SignInsPosition => {
  const [kind, signedInAt, id, ...others] = cursor.length > longestCursor ? [] : partsOf(cursor);
  const isPlace = Number.isSafeInteger(signedInAt) && typeof id === 'string' && others.length === 0;
  if (isSignInKind(kind) && (only === undefined || kind === only)) {
    if (signedInAt === undefined) return { kind };
    if (isPlace) return { kind, after: { signedInAt: Number(signedInAt), id } };
  }
  throw new AppError('invalid_request', 'This cursor is not one of a page of this list: begin without it');
};

const partsOf = (cursor: string): readonly unknown[] => {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
};

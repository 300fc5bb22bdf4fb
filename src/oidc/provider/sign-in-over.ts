import { errors, type KoaContextWithOIDC } from 'oidc-provider';

/** The library's own words: it does not say by a code that its form, or the interaction, is over. */
const outOfDate: ReadonlySet<string> = new Set([
  'could not find device form details',
  'could not find logout details',
  'xsrf token invalid',
]);

/** Is this the answer to a form that was open for too long, or to an interaction that is over? */
export const overOf = (
  ctx: KoaContextWithOIDC,
  cause: Error,
): { readonly isForm: boolean; readonly uid: string } | undefined => {
  if (isFormOver(cause)) return { isForm: true, uid: '' };
  if (!(cause instanceof errors.SessionNotFound)) return undefined;
  const { uid } = (ctx as { readonly params?: { readonly uid?: string } }).params ?? {}; // of the library's router
  return { isForm: false, uid: uid ?? '' };
};

export const isFormOver = (cause: Error | undefined): boolean =>
  cause instanceof errors.InvalidRequest && outOfDate.has(cause.error_description ?? '');

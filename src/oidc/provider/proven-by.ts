// The sources at which the person of a session, and of a grant that was made in it, has signed in. The library keeps
// these ids in both models (`keepProvenBy` in provider-patches.ts); `clients` of a source is checked against them.
import type { KoaContextWithOIDC } from 'oidc-provider';

interface Proven {
  provenBy?: readonly string[];
}

/** Undefined for what was stored before this was noted. */
export const readProvenBy = (model: object | undefined): readonly string[] | undefined =>
  (model as Proven | undefined)?.provenBy; // of our own, unknown to the library's types

/** @returns whether that is a change */
export const setProvenBy = (model: object, provenBy: readonly string[] | undefined): boolean => {
  const proven = model as Proven; // of our own, unknown to the library's types
  if (provenBy === undefined || String(proven.provenBy) === String(provenBy)) return false;
  proven.provenBy = [...provenBy];
  return true;
};

/** The source of the login in a resumed interaction. */
export const provenNow = (ctx: KoaContextWithOIDC | undefined): string | undefined => {
  const { source } = (ctx?.oidc.entities.Interaction?.result?.login ?? {}) as { readonly source?: string }; // see `finishLogin`
  return source;
};

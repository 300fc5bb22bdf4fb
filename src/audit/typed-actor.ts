import { canonicalLogin, withoutInvisibleEdges } from '../protocol/canonical-login.ts';
import { hasSubForm } from '../protocol/sub-form.ts';

/** Who acts without being a person with a `sub`. */
const others: ReadonlySet<string> = new Set(['cli', 'drawbridge', 'unknown']);

/**
 * The actor of a record about somebody who has proven nothing: the name that was typed. In quotes where it reads like an actor
 * that is proven, or anybody could write records in which the operator or another person seems to have acted.
 */
export const typedActor = (typed: string): string => {
  // an operator of another tenant has the name of that in front of the sub
  const sub = withoutInvisibleEdges(typed).split('/').at(-1) ?? '';
  const isLikeProven = others.has(canonicalLogin(typed) ?? '') || hasSubForm(sub);
  return isLikeProven ? JSON.stringify(typed) : typed;
};

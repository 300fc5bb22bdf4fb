import { definedOnly } from '../../defined-only.ts';
import type { Decision } from '../gateway-types.ts';
import type { IdentityCut } from './presented-caller.ts';

/** The fields of a decision for the log. */
export interface DecisionFacts {
  readonly outcome: Decision['outcome'];
  readonly service?: string;
  readonly tenant?: string;
  readonly reason?: string;
  /** Groups or roles that did not fit into the headers for the service: `identity.maxBytes`. */
  readonly cut?: IdentityCut;
}

export const factsOf = (decision: Decision): DecisionFacts => {
  const tenant = 'tenant' in decision ? decision.tenant?.definition.id : undefined;
  const reason = reasonOf(decision);
  return {
    outcome: decision.outcome,
    ...('service' in decision ? { service: decision.service.name } : {}),
    ...definedOnly({ tenant, reason }),
  };
};

const reasonOf = (decision: Decision): string | undefined => {
  switch (decision.outcome) {
    case 'bad_credential':
    case 'invalid':
      return decision.description;
    case 'forbidden':
    case 'refused':
      return decision.reason;
    default:
      return undefined;
  }
};

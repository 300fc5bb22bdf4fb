/** RFC 4511 section 4.1.9 and appendix A. */
export const resultCode = {
  operationsError: 1,
  protocolError: 2,
  noSuchAttribute: 16,
  constraintViolation: 19,
  noSuchObject: 32,
  invalidDnSyntax: 34,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
} as const;

/** The server itself has failed; another one may still work. */
export const serverTroubles: ReadonlySet<number> = new Set([resultCode.busy, resultCode.unavailable]);

/** Answers to a bind that are about the person; all others are about the server, or us. */
export const bindRefusals: ReadonlySet<number> = new Set([
  resultCode.invalidCredentials,
  // there is no such entry
  resultCode.noSuchObject,
  resultCode.invalidDnSyntax,
  // the entry has no password
  resultCode.inappropriateAuthentication,
  // 389 Directory Server says these of disabled and of locked accounts
  resultCode.unwillingToPerform,
  resultCode.constraintViolation,
]);

import { exportAudit, listAudit, verifyAudit } from './audit-api.ts';
import {
  createKey,
  listExpiringKeys,
  listKeys,
  reassignKey,
  revokeKey,
  rotateKey,
  showKey,
} from './key-api.ts';
import type { AdminOperation } from './operation.ts';
import {
  disablePerson,
  enablePerson,
  listPeople,
  resetFactors,
  showPerson,
  unlockPerson,
} from './person-api.ts';
import { endSignIn, endSignIns, listSignIns } from './sign-in-api.ts';
import {
  changeSystemUser,
  createSystemUser,
  deleteSystemUser,
  disableSystemUser,
  enableSystemUser,
  listSystemUsers,
  showSystemUser,
} from './system-user-api.ts';

/** All operations, in the order of the document. */
export const adminOperations: readonly AdminOperation[] = [
  listPeople,
  showPerson,
  unlockPerson,
  resetFactors,
  disablePerson,
  enablePerson,
  listSignIns,
  endSignIn,
  endSignIns,
  listSystemUsers,
  createSystemUser,
  showSystemUser,
  changeSystemUser,
  disableSystemUser,
  enableSystemUser,
  deleteSystemUser,
  listKeys,
  listExpiringKeys,
  createKey,
  showKey,
  rotateKey,
  reassignKey,
  revokeKey,
  listAudit,
  verifyAudit,
  exportAudit,
];

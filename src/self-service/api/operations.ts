import { showOwnAccount } from './account-api.ts';
import { listOwnApps, withdrawOwnApp } from './app-api.ts';
import { listOwnAudit } from './audit-api.ts';
import { refreshOwnSession, showOwnSession } from './current-session-api.ts';
import { deleteOwnAccount } from './deletion-api.ts';
import { listOwnDevices, renameOwnDevice, signOutOwnDevice } from './device-api.ts';
import { beginOwnEmailChange, verifyOwnEmailChange } from './email-change-api.ts';
import { createEmailSession, verifyEmailSession } from './email-session-api.ts';
import { exportOwnAccount } from './export-api.ts';
import {
  beginOwnTotp,
  confirmOwnTotp,
  listOwnFactors,
  removeOwnFactor,
  renewOwnRecoveryCodes,
} from './factor-api.ts';
import {
  createOwnKey,
  listOwnKeys,
  revokeOwnKey,
  rotateOwnKey,
  sendOwnKeyCode,
  verifyOwnKey,
} from './key-api.ts';
import { logIn, logOut } from './login-api.ts';
import type { Operation } from './operation.ts';
import { addOwnPasskey, beginOwnPasskey } from './passkey-api.ts';
import { changeOwnPassword } from './password-api.ts';
import { beginPasswordReset, finishPasswordReset, verifyPasswordReset } from './password-reset-api.ts';
import { removeOwnPicture, replaceOwnPicture } from './picture-api.ts';
import { changeOwnProfile } from './profile-api.ts';
import { beginRegistration, finishRegistration, verifyRegistration } from './registration-api.ts';
import { endOtherOwnSessions, endOwnSession, listOwnSessions } from './session-api.ts';
import { endOwnSignIn, listOwnSignIns } from './sign-in-api.ts';
import { disconnectOwnSource } from './source-api.ts';

/** All operations, in the order of the document. */
export const operations: readonly Operation[] = [
  logIn,
  logOut,
  beginRegistration,
  verifyRegistration,
  finishRegistration,
  beginPasswordReset,
  verifyPasswordReset,
  finishPasswordReset,
  showOwnAccount,
  changeOwnProfile,
  deleteOwnAccount,
  changeOwnPassword,
  beginOwnEmailChange,
  verifyOwnEmailChange,
  replaceOwnPicture,
  removeOwnPicture,
  createEmailSession,
  verifyEmailSession,
  showOwnSession,
  refreshOwnSession,
  listOwnSessions,
  endOtherOwnSessions,
  endOwnSession,
  listOwnSignIns,
  endOwnSignIn,
  listOwnApps,
  withdrawOwnApp,
  disconnectOwnSource,
  listOwnDevices,
  renameOwnDevice,
  signOutOwnDevice,
  listOwnFactors,
  beginOwnTotp,
  confirmOwnTotp,
  beginOwnPasskey,
  addOwnPasskey,
  removeOwnFactor,
  renewOwnRecoveryCodes,
  listOwnKeys,
  createOwnKey,
  verifyOwnKey,
  sendOwnKeyCode,
  rotateOwnKey,
  revokeOwnKey,
  listOwnAudit,
  exportOwnAccount,
];

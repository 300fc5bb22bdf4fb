const sessionCookie = /^(?:__(?:host|secure)-)?gwsessionid$/i;
const ours =
  /^[\s=]*(?:(?:__(?:host|secure)-)?gwsessionid|(?:__secure-)?drawbridge\.way\.[^=;]*)\s*(?:=|;|$)/i;

export const isSessionCookieName = (name: string): boolean => sessionCookie.test(name.trim());

/**
 * Would this `Set-Cookie` of a service make a browser send a cookie that is ours? Also without a name: browsers send
 * the value of `=GWSESSIONID=x` as it is.
 */
export const isPlantedCookie = (setCookie: string): boolean => ours.test(setCookie);

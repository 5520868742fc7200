// igconnect learns who the user is by a JWT of this app, which it checks by the app's JWKS.
import { connect } from "/igconnect/connect.js";

connect.token = async () => {
  const response = await fetch("/api/auth/token");
  return response.ok ? (await response.json()).token : undefined;
};

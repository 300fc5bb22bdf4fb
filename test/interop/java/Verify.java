import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.Ed25519Verifier;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Verifies tokens with Nimbus, on which Spring Security builds. JSON on stdin and stdout, see libraries.test.ts. */
public class Verify {
  public static void main(String[] arguments) throws Exception {
    var question = JSONObjectUtils.parse(new String(System.in.readAllBytes(), StandardCharsets.UTF_8));
    var keys = JWKSet.parse(JSONObjectUtils.getJSONObject(question, "jwks"));
    var issuer = JSONObjectUtils.getString(question, "issuer");
    Map<String, Object> outcomes = new LinkedHashMap<>();
    for (var token : JSONObjectUtils.getJSONObjectArray(question, "tokens")) {
      var name = (String) token.get("name");
      try {
        verify(token, keys, issuer);
        outcomes.put(name, "verified");
      } catch (Exception error) {
        outcomes.put(name, error.toString());
      }
    }
    System.out.println(JSONObjectUtils.toJSONString(Map.of("Nimbus " + arguments[0], outcomes)));
  }

  private static void verify(Map<String, Object> token, JWKSet keys, String issuer) throws Exception {
    var jwt = SignedJWT.parse((String) token.get("token"));
    var algorithm = JWSAlgorithm.parse((String) token.get("algorithm"));
    var claims = new DefaultJWTClaimsVerifier<SecurityContext>(
        (String) token.get("audience"),
        new JWTClaimsSet.Builder().issuer(issuer).build(),
        Set.of("sub", "iat", "exp"));
    if (algorithm.equals(JWSAlgorithm.EdDSA)) {
      // its key selector knows RSA and EC keys only
      var key = (OctetKeyPair) keys.getKeyByKeyId(jwt.getHeader().getKeyID());
      if (!jwt.verify(new Ed25519Verifier(key))) throw new IllegalStateException("wrong signature");
      claims.verify(jwt.getJWTClaimsSet(), null);
      return;
    }
    var processor = new DefaultJWTProcessor<SecurityContext>();
    // without this it takes JWT and nothing else, and so does Spring
    if (!"JWT".equals(token.get("typ")))
      processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType((String) token.get("typ"))));
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(algorithm, new ImmutableJWKSet<>(keys)));
    processor.setJWTClaimsSetVerifier(claims);
    processor.process(jwt, null);
  }
}

use std::fmt;

use crate::{Misuse, ScramHash, Secret, Strings, saslprep, scram::ITERATIONS};

/// Salts longer than this are refused where keys are made.
const SALT_LIMIT: usize = 256;

/// What a server keeps of a user's password (RFC 5802 s 2.1, "authentication information").
///
/// Not the password: whoever steals it can guess at it, and can play the server, but cannot log in.
///
/// ```
/// use mail46_sasl::{ScramHash, ScramKeys, Secret};
/// let salt = [7; 16]; // random, another for each user
/// let keys = ScramKeys::derive(ScramHash::Sha256, &Secret::from("pencil"), &salt, 4096)?;
/// assert!(keys.verify_password(&Secret::from("pencil"))); // PLAIN can be checked against the same keys
/// assert!(!keys.verify_password(&Secret::from("pencils")));
/// # Ok::<(), mail46_sasl::Misuse>(())
/// ```
pub struct ScramKeys {
    hash: ScramHash,
    salt: Vec<u8>,
    iterations: u32,
    stored_key: Secret,
    server_key: Secret,
}

impl ScramKeys {
    /// Derives the keys of a password.
    ///
    /// # Errors
    /// [`Misuse`]: a password that SASLprep forbids, a salt that is empty or over 256 octets, an iteration count
    /// outside 4,096 to 1,000,000.
    pub fn derive(hash: ScramHash, password: &Secret, salt: &[u8], iterations: u32) -> Result<Self, Misuse> {
        check(salt, iterations)?;
        let salted = hash.salted_password(normalize(password)?.as_bytes(), salt, iterations);
        let keys = PasswordKeys::of(hash, &salted);
        Ok(Self { hash, salt: salt.to_vec(), iterations, stored_key: keys.stored, server_key: keys.server })
    }

    /// Keys that were stored.
    ///
    /// # Errors
    /// [`Misuse`]: as [`Self::derive`], or a key that is not as long as the hash.
    pub fn from_parts(
        hash: ScramHash,
        salt: &[u8],
        iterations: u32,
        stored_key: Secret,
        server_key: Secret,
    ) -> Result<Self, Misuse> {
        check(salt, iterations)?;
        if stored_key.len() != hash.octets() || server_key.len() != hash.octets() {
            return Err(Misuse::Length);
        }
        Ok(Self { hash, salt: salt.to_vec(), iterations, stored_key, server_key })
    }

    /// Whether these are the keys of this password. Costs as much as [`Self::derive`].
    pub fn verify_password(&self, password: &Secret) -> bool {
        let Ok(normalized) = normalize(password) else { return false };
        let salted = self.hash.salted_password(normalized.as_bytes(), &self.salt, self.iterations);
        PasswordKeys::of(self.hash, &salted).stored == self.stored_key
    }

    /// The hash function.
    pub fn hash(&self) -> ScramHash {
        self.hash
    }

    /// The salt.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The iteration count.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// `StoredKey`.
    pub fn stored_key(&self) -> &Secret {
        &self.stored_key
    }

    /// `ServerKey`.
    pub fn server_key(&self) -> &Secret {
        &self.server_key
    }
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramKeys").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// Keys for users that do not exist, so that nobody learns from a SCRAM which ones do.
///
/// A name always gets the same salt, as a real one does, and a count like that of real ones; the proof never fits.
/// The secret is the server's own, random, and the same after a restart.
pub struct Decoy {
    secret: Secret,
    salt_length: usize,
    iterations: u32,
}

impl Decoy {
    /// `salt_length` and `iterations` are those of real users.
    ///
    /// # Errors
    /// [`Misuse`]: a secret under 16 octets, a salt of none or more than 32, iterations outside 4,096 to 1,000,000.
    pub fn new(secret: Secret, salt_length: usize, iterations: u32) -> Result<Self, Misuse> {
        if secret.len() < 16 || !(1..=ScramHash::Sha256.octets()).contains(&salt_length) {
            return Err(Misuse::Length);
        }
        if !ITERATIONS.contains(&iterations) {
            return Err(Misuse::Iterations);
        }
        Ok(Self { secret, salt_length, iterations })
    }

    /// The keys of a user that does not exist.
    pub fn keys(&self, hash: ScramHash, user: &str) -> ScramKeys {
        let derive = |hash: ScramHash, purpose: &[u8], of: ScramHash| {
            hash.hmac(self.secret.expose(), &[purpose, of.name().as_bytes(), b"\0", user.as_bytes()])
        };
        let salt = derive(ScramHash::Sha256, b"salt\0", hash);
        ScramKeys {
            hash,
            salt: salt.expose().iter().copied().take(self.salt_length).collect(),
            iterations: self.iterations,
            stored_key: derive(hash, b"StoredKey\0", hash),
            server_key: derive(hash, b"ServerKey\0", hash),
        }
    }
}

impl fmt::Debug for Decoy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoy(..)")
    }
}

/// RFC 5802 s 3: the keys that follow from `SaltedPassword`.
pub(super) struct PasswordKeys {
    pub(super) client: Secret,
    pub(super) stored: Secret,
    pub(super) server: Secret,
}

impl PasswordKeys {
    pub(super) fn of(hash: ScramHash, salted_password: &Secret) -> Self {
        let client = hash.hmac(salted_password.expose(), &[b"Client Key"]);
        let stored = hash.hash(client.expose());
        Self { client, stored, server: hash.hmac(salted_password.expose(), &[b"Server Key"]) }
    }
}

/// `Normalize(password)`: SASLprep, as a stored string (RFC 5802 s 2.2).
pub(super) fn normalize(password: &Secret) -> Result<zeroize::Zeroizing<String>, Misuse> {
    let text = password.as_str().ok_or(Misuse::Preparation)?;
    saslprep(text, Strings::Stored).map_err(Misuse::from)
}

fn check(salt: &[u8], iterations: u32) -> Result<(), Misuse> {
    if salt.is_empty() || salt.len() > SALT_LIMIT {
        return Err(Misuse::Length);
    }
    if ITERATIONS.contains(&iterations) { Ok(()) } else { Err(Misuse::Iterations) }
}

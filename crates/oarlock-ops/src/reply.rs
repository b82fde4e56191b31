//! A reply on its way from an operation to anyone who asked: typed, though what passes it on serves every verb.

use std::any::Any;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::OpError;
use crate::request::Request;

/// The common interface of all replies, whatever the verb.
trait Erased: Any + Send {
    fn to_value(&self) -> serde_json::Result<Value>;
    fn to_text(&self) -> serde_json::Result<String>;
}

impl<T: Any + Send + Serialize> Erased for T {
    fn to_value(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }

    fn to_text(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// The reply of some verb. A caller that knows the verb's request type gets the typed reply back; the last line of an interface makes it JSON.
pub struct Reply(Box<dyn Erased>);

impl Reply {
    /// A reply, with its type erased.
    pub fn new<T: Serialize + Send + 'static>(reply: T) -> Self {
        Self(Box::new(reply))
    }

    /// The typed reply, where it is one of this type.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        let any: &dyn Any = &*self.0;
        any.downcast_ref()
    }

    /// The same, to be changed.
    pub fn get_mut<T: 'static>(&mut self) -> Option<&mut T> {
        let any: &mut dyn Any = &mut *self.0;
        any.downcast_mut()
    }

    /// The typed reply of a request.
    ///
    /// # Errors
    /// `internal` when it is the reply of another one.
    pub fn of<R: Request>(self) -> Result<R::Reply, OpError> {
        self.into_reply(R::VERB)
    }

    /// The typed reply of the request of this verb.
    ///
    /// # Errors
    /// `internal` when it is the reply of another one.
    pub fn into_reply<T: 'static>(self, verb: &str) -> Result<T, OpError> {
        let any: Box<dyn Any> = self.0;
        match any.downcast() {
            Ok(reply) => Ok(*reply),
            Err(_) => Err(OpError::Internal(format!("the reply of another verb came for {verb}"))),
        }
    }

    /// The reply as a JSON value.
    ///
    /// # Errors
    /// `internal` when it cannot be written.
    pub fn to_value(&self) -> Result<Value, OpError> {
        Ok(self.0.to_value()?)
    }

    /// The reply as JSON text.
    ///
    /// # Errors
    /// `internal` when it cannot be written.
    pub fn to_text(&self) -> Result<String, OpError> {
        Ok(self.0.to_text()?)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_text() {
            Ok(text) => f.write_str(&text),
            Err(_) => Err(fmt::Error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Renew, Wait};

    #[test]
    fn only_who_knows_the_verb_gets_its_reply() {
        let reply = || Reply::new(crate::task::WaitReply { tasks: Vec::new() });
        assert!(reply().of::<Wait>().is_ok());
        assert!(reply().of::<Renew>().is_err());
        assert_eq!(reply().to_value().expect("JSON"), serde_json::from_str::<Value>(&reply().to_text().expect("JSON")).expect("JSON"));
    }
}

use verinfer_import::Reading;

use crate::tensor::TensorInfo;
use crate::{Error, Result, Tensor};

/// One value for each input of a model, or each output: tensors by name.
///
/// A tensor without a name stands for the only input of a model.
///
/// # Examples
///
/// ```
/// use verinfer::{ElementType, Example, Tensor, digits};
///
/// let model = digits::model()?;
/// let info = &model.inputs()[0];
/// let zeros = Tensor::new(&info.shape, info.element, vec![0; info.num_elements()])?;
/// let named = Example::new().with(&info.name, zeros.clone());
/// assert_eq!(model.run(&named)?, model.run(&Example::from(zeros))?);
/// # Ok::<(), verinfer::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Example {
    tensors: Vec<(Option<String>, Tensor)>,
    readings: Vec<Reading>,
}

impl Example {
    /// Without tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// As this one, with a tensor for the input of a name, in the place of another for it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, tensor: Tensor) -> Self {
        let name = Some(name.into());
        self.tensors.retain(|(other, _)| *other != name);
        self.tensors.push((name, tensor));
        self
    }

    pub(crate) fn read(tensor: Tensor, reading: Reading) -> Self {
        Self { tensors: vec![(None, tensor)], readings: vec![reading] }
    }

    /// The only tensor.
    ///
    /// # Errors
    ///
    /// There are several, or none ([`Error::NotOne`]).
    pub fn only(&self) -> Result<&Tensor> {
        match self.tensors.as_slice() {
            [(_, tensor)] => Ok(tensor),
            tensors => Err(Error::NotOne { found: tensors.len() }),
        }
    }

    /// The tensor of a name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|(other, _)| other.as_deref() == Some(name)).map(|(_, tensor)| tensor)
    }

    /// Names and tensors, in the order in which they were given.
    pub fn tensors(&self) -> impl Iterator<Item = (Option<&str>, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_deref(), tensor))
    }

    /// How a picture or an array became the tensors, where one did: what a reader of a statement has to know to do the same.
    pub fn readings(&self) -> Vec<String> {
        self.readings.iter().map(ToString::to_string).collect()
    }

    /// What looks like a mistake in that, though it can be meant.
    pub fn warnings(&self) -> Vec<String> {
        self.readings.iter().flat_map(|reading| reading.warnings().iter().cloned()).collect()
    }

    /// The tensor for each of these inputs, in their order.
    pub(crate) fn resolve(&self, inputs: &[TensorInfo]) -> Result<Vec<&Tensor>> {
        let known = || inputs.iter().map(|input| format!("`{}`", input.name)).collect::<Vec<_>>().join(", ");
        let is_known = |name: &str| inputs.iter().any(|input| input.name == name);
        if let Some(name) = self.tensors.iter().filter_map(|(name, _)| name.as_deref()).find(|name| !is_known(name)) {
            return Err(Error::UnknownInput { name: name.to_string(), known: known() });
        }
        let resolved = inputs.iter().map(|input| {
            let unnamed = self.tensors.iter().find(|(name, _)| name.is_none() && inputs.len() == 1).map(|(_, tensor)| tensor);
            let tensor = self.get(&input.name).or(unnamed).ok_or_else(|| Error::MissingInput { name: input.name.clone() })?;
            if (tensor.shape(), tensor.element()) == (input.shape.as_slice(), input.element) {
                return Ok(tensor);
            }
            Err(Error::InputMismatch { name: input.name.clone(), found: tensor.to_string(), expected: input.to_string() })
        });
        resolved.collect()
    }
}

impl From<Tensor> for Example {
    fn from(tensor: Tensor) -> Self {
        Self { tensors: vec![(None, tensor)], readings: Vec::new() }
    }
}

/// How it was read does not count.
impl PartialEq for Example {
    fn eq(&self, other: &Self) -> bool {
        self.tensors == other.tensors
    }
}

impl Eq for Example {}

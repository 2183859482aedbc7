//! Options of operators, one table for each kind.

use crate::enums::{ActivationFunctionType, FullyConnectedOptionsWeightsFormat, Padding};
use crate::reader::{Damage, Table};

/// Tables of options: the union's number, its accessor, and the slot and default of each field.
macro_rules! options {
    ($($name:ident = $tag:literal, $accessor:ident { $($field:ident: $type:ty = $slot:literal, $default:expr;)* })*) => {
        $(
            /// Options of an operator. [`Default`] is what TensorFlow Lite computes with where the table is missing: all zeros.
            #[derive(Clone, Debug, Default, PartialEq)]
            pub struct $name { $($field: $type,)* }

            impl $name {
                fn read(table: Table<'_, '_>) -> Result<Self, Damage> {
                    Ok(Self { $($field: table.field($slot)?.unwrap_or($default),)* })
                }

                $(
                    #[allow(missing_docs)] // The schema's name.
                    pub fn $field(&self) -> $type {
                        self.$field.clone()
                    }
                )*
            }
        )*

        /// The options of one operator.
        #[derive(Clone, Debug, Default, PartialEq)]
        #[allow(missing_docs)] // The schema's names.
        pub enum BuiltinOptions {
            /// Left out, or of a kind that is not read.
            #[default]
            Other,
            $($name($name),)*
        }

        impl BuiltinOptions {
            /// The options of kind `tag` in `table`, which may be missing.
            pub(crate) fn read(tag: u8, table: Option<Table<'_, '_>>) -> Result<Self, Damage> {
                match (tag, table) {
                    $(($tag, Some(table)) => $name::read(table).map(Self::$name),)*
                    (_, _) => Ok(Self::Other),
                }
            }

            $(
                /// The options of this kind; `None` if they are missing or of another operator.
                pub fn $accessor(&self) -> Option<$name> {
                    match self {
                        Self::$name(options) => Some(options.clone()),
                        _ => None,
                    }
                }
            )*
        }
    };
}

options! {
    Conv2DOptions = 1, builtin_options_as_conv_2_doptions {
        padding: Padding = 0, Padding::SAME;
        stride_w: i32 = 1, 0;
        stride_h: i32 = 2, 0;
        fused_activation_function: ActivationFunctionType = 3, ActivationFunctionType::NONE;
        dilation_w_factor: i32 = 4, 1;
        dilation_h_factor: i32 = 5, 1;
    }
    DepthwiseConv2DOptions = 2, builtin_options_as_depthwise_conv_2_doptions {
        padding: Padding = 0, Padding::SAME;
        stride_w: i32 = 1, 0;
        stride_h: i32 = 2, 0;
        depth_multiplier: i32 = 3, 0;
        fused_activation_function: ActivationFunctionType = 4, ActivationFunctionType::NONE;
        dilation_w_factor: i32 = 5, 1;
        dilation_h_factor: i32 = 6, 1;
    }
    Pool2DOptions = 5, builtin_options_as_pool_2_doptions {
        padding: Padding = 0, Padding::SAME;
        stride_w: i32 = 1, 0;
        stride_h: i32 = 2, 0;
        filter_width: i32 = 3, 0;
        filter_height: i32 = 4, 0;
        fused_activation_function: ActivationFunctionType = 5, ActivationFunctionType::NONE;
    }
    FullyConnectedOptions = 8, builtin_options_as_fully_connected_options {
        fused_activation_function: ActivationFunctionType = 0, ActivationFunctionType::NONE;
        weights_format: FullyConnectedOptionsWeightsFormat = 1, FullyConnectedOptionsWeightsFormat::DEFAULT;
        keep_num_dims: bool = 2, false;
    }
    SoftmaxOptions = 9, builtin_options_as_softmax_options {
        beta: f32 = 0, 0.0;
    }
    ConcatenationOptions = 10, builtin_options_as_concatenation_options {
        axis: i32 = 0, 0;
        fused_activation_function: ActivationFunctionType = 1, ActivationFunctionType::NONE;
    }
    AddOptions = 11, builtin_options_as_add_options {
        fused_activation_function: ActivationFunctionType = 0, ActivationFunctionType::NONE;
    }
    ReshapeOptions = 17, builtin_options_as_reshape_options {
        new_shape: Vec<i32> = 0, Vec::new();
    }
    MulOptions = 21, builtin_options_as_mul_options {
        fused_activation_function: ActivationFunctionType = 0, ActivationFunctionType::NONE;
    }
    ReducerOptions = 27, builtin_options_as_reducer_options {
        keep_dims: bool = 0, false;
    }
    SubOptions = 28, builtin_options_as_sub_options {
        fused_activation_function: ActivationFunctionType = 0, ActivationFunctionType::NONE;
    }
    SqueezeOptions = 30, builtin_options_as_squeeze_options {
        squeeze_dims: Vec<i32> = 0, Vec::new();
    }
    StridedSliceOptions = 32, builtin_options_as_strided_slice_options {
        begin_mask: i32 = 0, 0;
        end_mask: i32 = 1, 0;
        ellipsis_mask: i32 = 2, 0;
        new_axis_mask: i32 = 3, 0;
        shrink_axis_mask: i32 = 4, 0;
        offset: bool = 5, false;
    }
    PackOptions = 59, builtin_options_as_pack_options {
        values_count: i32 = 0, 0;
        axis: i32 = 1, 0;
    }
    LeakyReluOptions = 75, builtin_options_as_leaky_relu_options {
        alpha: f32 = 0, 0.0;
    }
}

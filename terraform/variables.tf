variable "name" {
  description = "Names the instance and everything made for it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,37}$", var.name))
    error_message = "Write at most 38 letters, digits, - and _, beginning with a letter or a digit: AWS takes no more for what is named after it."
  }
}

variable "tag" {
  description = "The release of fisherman that a new instance begins with, such as v1.0.0. See README.md for one that runs already."
  type        = string

  validation {
    condition     = can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$", var.tag))
    error_message = "Write a release's tag, such as v1.0.0."
  }
}

variable "config_arn" {
  description = "The ARN of the object that holds the configuration. It is all that the instance may read, but for file_arns."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:s3:::[^*?]+/[^*?]+$", var.config_arn))
    error_message = "Write the ARN of one object, such as arn:aws:s3:::bucket/fisherman.yaml: no bucket, and no wildcard."
  }

  validation {
    condition     = endswith(var.config_arn, ":::${var.config_bucket}/${var.config_key}")
    error_message = "config_arn is not the object of config_bucket and config_key: the instance could not read its configuration."
  }
}

variable "file_arns" {
  description = "The ARNs of the objects that the configuration names (env_file, files, { file: … }), which the instance may read, too."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.file_arns : can(regex("^arn:aws[a-z-]*:s3:::[^*?]+/[^*?]+$", arn))])
    error_message = "Write the ARN of each object, such as arn:aws:s3:::bucket/web.env: no bucket, and no wildcard."
  }
}

variable "config_bucket" {
  description = "The bucket of the configuration."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.config_bucket))
    error_message = "Write a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens."
  }
}

variable "config_key" {
  description = "The key of the configuration in its bucket, such as fisherman.yaml."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._=@+-][A-Za-z0-9._/=@+-]*$", var.config_key))
    error_message = "Write a key of letters, digits and . _ - / = @ +, without a leading slash."
  }
}

variable "config_region" {
  description = "The region of the bucket. Default: the provider's."
  type        = string
  default     = null

  validation {
    condition     = var.config_region == null || can(regex("^[a-z0-9-]+$", var.config_region))
    error_message = "Write the name of a region, such as eu-west-1."
  }
}

variable "vpc_id" {
  description = "The VPC of the security group."
  type        = string

  validation {
    condition     = startswith(var.vpc_id, "vpc-")
    error_message = "Write a VPC's id, such as vpc-0123456789abcdef0."
  }
}

variable "subnet_id" {
  description = "A public subnet of that VPC."
  type        = string

  validation {
    condition     = startswith(var.subnet_id, "subnet-")
    error_message = "Write a subnet's id, such as subnet-0123456789abcdef0."
  }
}

variable "ami" {
  description = "A machine image of Debian 12, Ubuntu 22.04, Amazon Linux 2023 or newer, of the architecture of instance_type."
  type        = string

  validation {
    condition     = startswith(var.ami, "ami-")
    error_message = "Write a machine image's id, such as ami-0123456789abcdef0."
  }
}

variable "instance_type" {
  description = "amd64 or arm64; 512 MB of memory are enough for fisherman and a dozen small apps."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", var.instance_type))
    error_message = "Write an instance type, such as t4g.nano."
  }
}

variable "key_name" {
  description = "A key pair to log in with by ssh. Default: none, and port 22 stays closed."
  type        = string
  default     = null
}

variable "ssh_from" {
  description = "Who may connect to port 22, when there is a key_name."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = alltrue([for cidr in var.ssh_from : can(cidrnetmask(cidr))])
    error_message = "Write IPv4 networks, such as 203.0.113.0/24."
  }
}

variable "releases" {
  description = "Where releases are fetched from: RELEASES/TAG/fisherman-linux-ARCH, and SHA256SUMS beside it."
  type        = string
  default     = "https://github.com/alexander-jackson/fisherman/releases/download"

  validation {
    condition     = can(regex("^https://[A-Za-z0-9][A-Za-z0-9.:/_~-]*[^/]$", var.releases))
    error_message = "Write an https URL without a slash at its end."
  }
}

variable "volume_size" {
  description = "Of the root volume, in GiB: images, logs and volumes of the apps are on it."
  type        = number
  default     = 20

  validation {
    condition     = var.volume_size >= 8
    error_message = "Write 8 or more: Docker and a few images need that."
  }
}
